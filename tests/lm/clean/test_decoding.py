# ruff: noqa: RUF001  # letters of many scripts are what this is about
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm.clean.config import CleanConfig
from lm.clean.decoding import chosen_encoding, find_encoding
from lm.clean.stage import clean
from lm.errors import BadInput
from lm.progress import silent
from lm.run_config import build_config
from lm.text.file_kind import file_kind
from lm.text.utf16 import utf16_without_mark
from tests.lm.clean.test_clean import raw_artifact, texts

# Made for this test: a few sentences a language, none of which any table was derived from.
WRITTEN = {
    "pl": (
        "Rano wstał wcześnie i poszedł nad rzekę, gdzie łodzie stały jeszcze we mgle. Źródło było zimne, a "
        "ścieżka śliska; „Może jutro” – powiedziała żona rybaka.\n"
    ),
    "hu": (
        "Reggel korán felkelt, és lement a folyóhoz, ahol a csónakok még ködben álltak. Hűvös szél fújt, az erdő "
        "fölött őszi felhők úsztak, s a nő csöndben főzte a kávét.\n"
    ),
    "tr": (
        "Sabah erkenden kalktı ve ırmağa indi, kayıklar hâlâ sisin içindeydi. Yaşlı kadın ışığı söndürdü, "
        "çocuğun şapkasını getirdi: “Bugün dağa çıkacağız” dedi.\n"
    ),
    "ru": (
        "Утром он встал рано и спустился к реке, где лодки ещё стояли в тумане. Старуха погасила свет и принесла "
        "мальчику шапку: «Сегодня мы пойдём в горы», – сказала она.\n"
    ),
    "el": (
        "Το πρωί σηκώθηκε νωρίς και κατέβηκε στο ποτάμι, όπου οι βάρκες ήταν ακόμη μέσα στην ομίχλη. Άνοιξε το "
        "παράθυρο και είδε τα βουνά· «Ίσως αύριο», είπε η γυναίκα.\n"
    ),
    "he": "בבוקר קם מוקדם וירד אל הנהר, שם עמדו הסירות עדיין בערפל. האישה כיבתה את האור והביאה לילד את הכובע שלו.\n",
    "ar": (
        "استيقظ في الصباح الباكر ونزل إلى النهر حيث كانت القوارب لا تزال في الضباب. أطفأت المرأة النور وأحضرت "
        "للولد قبعته.\n"
    ),
    "vi": (
        "Buổi sáng anh dậy sớm và đi xuống bờ sông, nơi những chiếc thuyền vẫn còn trong sương mù. Người đàn bà "
        "tắt đèn.\n"
    ),
    "ja": (
        "朝早く起きて、川まで下りていった。船はまだ霧の中に泊まっていた。女は明かりを消し、子供に帽子を持ってきた"
        "。「今日は山へ行こう」\n"
    ),
    "zh": (
        "他早上很早就起床，走到河边，船还停在雾里。女人关了灯，给孩子拿来了帽子，说：“今天我们上山去吧。”大家都笑了。\n"
    ),
    "tw": (
        "他早上很早就起床，走到河邊，船還停在霧裡。女人關了燈，給孩子拿來了帽子，說：「今天我們上山去吧。」大家都"
        "笑了。\n"
    ),
    "ko": (
        "그는 아침 일찍 일어나 강가로 내려갔다. 배들은 아직 안개 속에 있었다. 여자는 불을 끄고 아이에게 모자를 "
        "가져다주었다.\n"
    ),
    "th": "ตอนเช้าเขาตื่นแต่เช้าและเดินลงไปที่แม่น้ำ เรือยังจอดอยู่ในหมอก ผู้หญิงดับไฟแล้วนำหมวกมาให้เด็ก\n",
    "lt": (
        "Rytą jis atsikėlė anksti ir nuėjo prie upės, kur valtys dar stovėjo rūke. Moteris užgesino šviesą ir "
        "atnešė kepurę.\n"
    ),
    "de": (
        "Früh am Morgen stand er auf und ging zum Fluß hinunter, wo die Kähne noch im Nebel lagen. Die Frau "
        "löschte das Licht und brachte dem Jungen seine Mütze.\n"
    ),
    "fr": (
        "Le matin, il se leva tôt et descendit à la rivière, où les barques étaient encore dans la brume. Sa "
        "sœur éteignit la lumière ; « Ça ira », dit-elle.\n"
    ),
}
WRITTEN_IN = [
    ("pl", "cp1250"), ("pl", "iso8859-2"), ("pl", "cp852"), ("hu", "cp1250"), ("hu", "iso8859-2"), ("tr", "cp1254"),
    ("ru", "koi8-r"), ("ru", "cp1251"), ("ru", "cp866"), ("ru", "iso8859-5"), ("el", "cp1253"), ("el", "iso8859-7"),
    ("he", "cp1255"), ("ar", "cp1256"), ("vi", "cp1258"), ("ja", "shift_jis"), ("ja", "euc_jp"), ("ja", "iso2022_jp"),
    ("zh", "gb18030"), ("tw", "big5"), ("ko", "euc_kr"), ("th", "cp874"), ("lt", "cp1257"), ("de", "cp1252"),
    ("de", "mac-roman"), ("fr", "cp1252"), ("fr", "iso8859-15"),
    *((language, f"utf-16-{order}") for language in ("ru", "ja", "zh", "ko", "ar", "pl") for order in ("le", "be")),
]  # fmt: skip


@pytest.mark.parametrize(("language", "encoding"), WRITTEN_IN)
def test_text_is_read_as_it_was_written(tmp_path: Path, language: str, encoding: str) -> None:
    """From a few sentences on, the letters say which encoding it is."""
    path = tmp_path / "a.txt"
    text = "".join(c for c in WRITTEN[language] * 3 if c.encode(encoding, "ignore").decode(encoding, "ignore") == c)
    path.write_bytes(text.encode(encoding))
    assert file_kind(path.read_bytes()) == "text"
    assert path.read_bytes().decode(find_encoding(path).encoding) == text


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"Plain words.\n", "utf-8"),
        ("Zażółć gęślą".encode(), "utf-8"),
        ("Zażółć gęślą".encode("utf-8-sig"), "utf-8-sig"),
        ("Zażółć gęślą".encode("utf-32"), "utf-32"),
        (b"One line of JSON, " + "près d'une forêt, un bûcheron ".encode() * 20 + b"\xe9", "utf-8"),
        (b"It was late.\n" * 2000 + "He was naïve.\n".encode("latin-1") + b"It was later.\n" * 200, "cp1252"),
        ("“It’s late,” he said…\n".encode("cp1252"), "cp1252"),
    ],
)  # fmt: skip
def test_what_is_plain_stays_plain(tmp_path: Path, content: bytes, encoding: str) -> None:
    """ASCII, UTF-8 with a mark, without one and with damaged bytes, and English with a few signs of Windows."""
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    assert find_encoding(path).encoding == encoding


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_have_an_encoding_that_python_knows(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Whatever a file holds, it is read in some encoding."""
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes(content)
    assert isinstance(content.decode(find_encoding(path).encoding, "replace"), str)


numbers = st.lists(st.integers(0, 300) | st.integers(0, 2**16 - 1), min_size=100, max_size=1000)


@settings(deadline=None, max_examples=50)
@given(numbers)
def test_numbers_are_no_text(numbers: list[int]) -> None:
    """A table of tokens or samples of sound is no UTF-16."""
    assert utf16_without_mark(b"".join(number.to_bytes(2, "little") for number in numbers)) is None


def test_a_guess_is_told_and_the_setting_decides(tmp_path: Path) -> None:
    """Where letters say little, the note names the file, the guess and another; `clean.encoding` settles it."""
    lines = "".join(f"{number} words of no language, told again and again.\n" for number in range(400))
    raw = raw_artifact(tmp_path / "raw", {"a.txt": (lines + "xq\xb9x").encode("latin-1")})
    found, decided = (tmp_path / name for name in ("found", "decided"))
    found.mkdir()
    decided.mkdir()
    metrics = clean(raw, CleanConfig(), found, silent)
    (note,) = (note for note in metrics.notes if "is a guess" in note)
    assert "a.txt was read as cp1252, or " in note
    assert "clean.encoding" in note
    metrics = clean(raw, CleanConfig(encoding=("other.txt=koi8-r", "*.txt=cp1250")), decided, silent)
    assert not [note for note in metrics.notes if "is a guess" in note]
    assert texts(decided)["heldout"][-1].endswith("xqąx")


def test_the_setting_leaves_alone_what_says_what_it_is(tmp_path: Path) -> None:
    """`clean.encoding` is for files that are neither UTF-8 nor marked, but for UTF-16; a name is for that file."""
    path = tmp_path / "a.txt"
    path.write_bytes("żółć".encode())
    assert find_encoding(path, "cp1250").encoding == "utf-8"
    assert find_encoding(path, "utf-16-le").encoding == "utf-16-le"
    path.write_bytes("żółć".encode("utf-16"))
    assert find_encoding(path, "cp1250").encoding == "utf-16"
    path.write_bytes("żółć".encode("cp1250"))
    assert find_encoding(path, "cp1250").encoding == "cp1250"
    assert chosen_encoding(("cp1250", "old/*=koi8-r"), "old/a.txt") == "koi8-r"
    assert chosen_encoding(("cp1250", "old/*=koi8-r"), "new.txt") == "cp1250"


@pytest.mark.parametrize("name", ["klingon", "", "base64", "a.txt=", "a.txt=rot13"])
def test_an_unknown_encoding_is_one_clear_line(name: str) -> None:
    """It is refused before anything runs."""
    with pytest.raises(BadInput, match=r"^clean\.encoding: got .* is no encoding that Python knows, such as cp1250"):
        build_config({}, [f"clean.encoding='{name}'"])
    assert build_config({}, ["clean.encoding=cp1250,b.txt=koi8-r"]).clean.encoding == ("cp1250", "b.txt=koi8-r")


def test_looking_takes_no_time(tmp_path: Path) -> None:
    """A file of 200 kB is read in well under 0.2 s of processor time; one in UTF-8 is not looked at."""
    path = tmp_path / "a.txt"
    path.write_bytes((WRITTEN["ru"] * 2000).encode("koi8-r", "ignore")[:200_000])
    find_encoding(path)  # the tables are read
    started = time.process_time()
    find_encoding(path)
    assert time.process_time() - started < 0.2
