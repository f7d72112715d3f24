"""The download stage as a Prefect task. Its key follows from content, so it is known only once all content is."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from lm.session import Session
from lm.store import Artifact
