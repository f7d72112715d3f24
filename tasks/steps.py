"""The steps of a run as Prefect tasks. The work itself is in `lm.pipeline`."""

from lm.pipeline.steps import Steps
from tasks.clean import clean
from tasks.download import download
from tasks.evaluate import evaluate
from tasks.generate import generate
from tasks.plan import plan
from tasks.tokenize import tokenize
from tasks.train import train

STEPS = Steps(download, clean, plan, tokenize, train, evaluate, generate)
