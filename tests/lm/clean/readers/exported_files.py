"""Files as other programs export them, small ones made up: name, content, the texts in it, how it is read."""

import gzip
import json

from tests.lm.clean.readers.sentences import sentence

S = [sentence(n) for n in range(12)]
ENEX = (
    '<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE en-export SYSTEM "http://xml.evernote.com/pub/evernote-export4.dtd">'
    "<en-export>{}</en-export>"
)
NOTE = (
    "<note><title>Note {0}</title><created>20200101T000000Z</created><content><![CDATA[<?xml version='1.0'?>"
    "<!DOCTYPE en-note SYSTEM 'x'><en-note><div>{1}</div><div><br/></div></en-note>]]></content>"
    "<resource><data encoding='base64'>aGVsbG8gd29ybGQ=</data><mime>image/png</mime></resource></note>"
)
WXR = (
    '<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:wp="http://wordpress.org/export/1.2/"><channel><title>A blog</title><link>https://a.example</link>'
    "<item><title>First</title><pubDate>Mon, 01 Jan 2020</pubDate><guid>https://a.example/?p=1</guid>"
    f"<content:encoded><![CDATA[<!-- wp:paragraph --><p>{S[0]} Tom &amp; Ann.</p><!-- /wp:paragraph -->]]>"
    "</content:encoded><wp:post_type>post</wp:post_type></item>"
    "<item><title>pic.png</title><wp:post_type>attachment</wp:post_type></item></channel></rss>"
)
PO = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n#: a.c:1\nmsgid "Open the file"\nmsgstr "Öffne die Datei"\n\nmsgid "Close"\nmsgstr ""\n'
ASS = (
    "[Script Info]\nTitle: x\n\n[V4+ Styles]\nFormat: Name, Fontname\nStyle: Default,Arial\n\n[Events]\n"
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\\i1}Hello,{\\i0} dear\\Nfriend\n"
    "Dialogue: 0,0:00:02.00,0:00:03.00,Default,,0,0,0,,{\\p1}m 0 0 l 10 10{\\p0}\n"
)
ICS = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1@x\r\nDTSTART:20200101T100000Z\r\nSUMMARY:A walk\r\n"
    "DESCRIPTION:Bring boots\\, and a very lo\r\n ng rope\\nto the harbour.\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
ORG = (
    "#+TITLE: The harbour\n#+STARTUP: overview\n\n* Morning :sea:\n:PROPERTIES:\n:ID: 1-2\n:END:\n"
    "SCHEDULED: <2020-01-01 Wed>\n# a remark\nThe sea was calm.\n#+begin_quote\nSo calm.\n#+end_quote\n"
)
CLIPPINGS = "".join(
    f"\ufeffThe Harbour (Ann Miller)\r\n- Your Highlight on page {n} | Location {n}-9 | Added on Monday, 1 June 2020\r\n\r\n"
    f"{S[n] if n != 1 else ''}\r\n==========\r\n"
    for n in range(3)
)
CONLLU = "# newdoc id = a\n# sent_id = 1\n# text = The sea was calm.\n1\tThe\tthe\tDET\tDT\t_\t2\tdet\t_\t_\n2\tsea\tsea\tNOUN\tNN\t_\t4\tnsubj\t_\t_\n\n# text = It rained.\n1\tIt\tit\tPRON\tPRP\t_\t2\tnsubj\t_\t_\n\n"
MHT = (
    "From: <Saved by Blink>\r\nSnapshot-Content-Location: https://a.example/\r\nSubject: Harbour\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/related; type="text/html"; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html\r\n'
    "Content-Transfer-Encoding: quoted-printable\r\n\r\n<html><head><title>Harbour</title></head><body><p>The sea =E2=\r\n"
    "=80=93 calm.</p></body></html>\r\n--b\r\nContent-Type: text/css\r\n\r\np {color: red}\r\n--b--\r\n"
)
WARC_PAGE = f"<html><head><title>Page</title></head><body><p>{S[4]}</p></body></html>"


def _warc() -> bytes:
    answer = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(WARC_PAGE)}\r\n\r\n{WARC_PAGE}"
    records = []
    for kind, mime, body in (
        ("warcinfo", "application/warc-fields", "software: x\r\n"),
        ("response", "application/http; msgtype=response", answer),
        ("conversion", "text/plain", S[5]),
    ):
        head = f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: https://a.example/{kind}\r\nWARC-Date: 2020-01-01T00:00:00Z\r\nWARC-Record-ID: <urn:uuid:{kind}>\r\nContent-Type: {mime}\r\nContent-Length: {len(body.encode())}\r\n\r\n"
        records.append(gzip.compress((head + body + "\r\n\r\n").encode()))
    return b"".join(records)


def _tweets() -> str:
    tweets = [
        {"tweet": {"id_str": f"10{n}", "created_at": "Wed Oct 10 20:19:24 +0000 2018", "lang": "en",
                   "source": '<a href="https://x.example" rel="nofollow">App</a>', "full_text": f"{S[n]} Tom &amp; I",
                   "entities": {"hashtags": [], "user_mentions": [{"name": "Ann Miller", "screen_name": "ann"}]}}}
        for n in range(6)
    ]  # fmt: skip
    return f"window.YTD.tweets.part0 = {json.dumps(tweets, indent=2)}"


CANVAS = json.dumps(
    {
        "nodes": [
            {"id": "a1b2c3d4e5f60718", "type": "text", "text": S[0], "x": 1, "y": 2, "width": 3, "height": 4},
            {
                "id": "b1b2c3d4e5f60718",
                "type": "text",
                "text": f"# Head\n\n{S[1]}",
                "x": 1,
                "y": 2,
                "width": 3,
                "height": 4,
            },
            {"id": "c1b2c3d4e5f60718", "type": "file", "file": "notes/a.md", "x": 1, "y": 2, "width": 3, "height": 4},
        ],
        "edges": [{"id": "e1", "fromNode": "a1b2c3d4e5f60718", "toNode": "b1b2c3d4e5f60718"}],
    },
    indent="\t",
)
DAY_ONE = json.dumps(
    {
        "metadata": {"version": "1.0"},
        "entries": [
            {"uuid": f"A{n}", "creationDate": "2020-01-01T10:00:00Z", "timeZone": "Europe/Berlin", "text": S[n],
             "richText": json.dumps({"contents": [{"text": S[n]}], "meta": {"version": 1}}), "tags": ["sea"]}
            for n in range(5)
        ],
    }
)  # fmt: skip
WHISPER = json.dumps(
    {
        "text": " ".join(S[:4]),
        "segments": [{"id": n, "start": n, "end": n + 1, "text": f" {S[n]}"} for n in range(4)],
        "language": "en",
    }
)
KEEP = json.dumps(
    {
        "color": "DEFAULT",
        "isTrashed": False,
        "title": "Harbour",
        "userEditedTimestampUsec": 1577836800000000,
        "textContent": S[0],
    }
)
GOOGLE_CHAT = json.dumps(
    {"messages": [{"creator": {"name": "Ann", "email": "ann@a.example", "user_type": "Human"}, "created_date": "Monday", "text": S[n],
                   "topic_id": "xyz"} for n in range(4)]}
)  # fmt: skip
SIGNAL = "".join(
    json.dumps(
        {
            "date": "2020-01-01T10:00:00",
            "sender": ("Ann", "Me")[n % 2],
            "body": S[n],
            "quote": "",
            "sticker": "",
            "reactions": [],
        }
    )
    + "\n"
    for n in range(4)
)
SKYPE = json.dumps(
    {"userId": "8:me", "conversations": [{"id": "8:ann", "displayName": "Ann", "MessageList": [
        {"id": "1", "displayName": None, "originalarrivaltime": f"2020-01-0{9 - n}T10:00:00Z", "messagetype": "RichText",
         "from": "8:ann", "content": f"{S[n]} <b>now</b>"} for n in range(3)]}]}
)  # fmt: skip
REDDIT = "".join(
    json.dumps(
        {"author": f"u{n}", "body": text, "created_utc": 1577836800 + n, "id": f"ab{n}", "subreddit": "sea", "score": n}
    )
    + "\n"
    for n, text in enumerate([S[0], "[deleted]", S[1], "[removed]", S[2]])
)
LINE = (
    '[LINE] Chat history with Ann\nSaved on: 2020/12/31 23:59\n\n2020/12/31(Thu)\n23:57\tAnn\tHello there\n23:58\tBob\t"Two\nlines"\n'
    "23:58\tBob\t[Photo]\n23:58\tAnn left the chat.\n23:59\tAnn\tGood night\n"
)
KAKAO = (
    "Ann 님과 카카오톡 대화\n저장한 날짜 : 2020-12-31 23:59:59\n\n--------------- 2020년 12월 31일 목요일 ---------------\n"
    "[Ann] [오후 11:57] 안녕하세요\n[Bob] [오후 11:58] 네\n두 줄\n[Bob] [오후 11:58] 사진\nCarl님이 들어왔습니다.\n[Ann] [오후 11:59] 잘 자요\n"
)
KAKAO_PHONE = (
    "Ann 님과 카카오톡 대화\n\n2020년 12월 31일 오후 11:57\n2020년 12월 31일 오후 11:57, Ann : 안녕하세요\n"
    "2020년 12월 31일 오후 11:58, Bob : 네\n두 줄\n2020년 12월 31일 오후 11:59, Ann : 잘 자요\n"
)
IMESSAGE = (
    "May 17, 2022  5:29:42 PM (Read by them after 5 seconds)\nMe\nHello there\n\nMay 17, 2022  5:30:02 PM\n+15551234567\nTwo\nlines\n\n"
    "May 17, 2022  5:31:02 PM\nMe\n/Users/ann/Library/Attachments/a.jpeg\n\nMay 17, 2022  5:32:02 PM\nMe\nGood night\nTapbacks:\nLoved by Bob\n\n"
)
QQ = (
    "消息记录(此消息记录为文本格式)\n\n2020-12-31 23:57:00 小明(10001)\n你好\n\n2020-12-31 23:58:00 Bob(10002)\n两\n行\n\n"
    "2020-12-31 23:58:10 Bob(10002)\n[图片]\n\n2020-12-31 23:59:00 小明(10001)\n晚安\n\n"
)
WEECHAT = (
    "2020-12-31 23:57:00\t-->\tann (~a@b) has joined #sea\n2020-12-31 23:57:10\t@ann\thello there\n2020-12-31 23:57:20\tbob\thi\n"
    "2020-12-31 23:57:30\t \t* ann waves\n2020-12-31 23:57:40\tann\tgood night\n"
)
ZOOM = "10:15:02\t From Ann to Everyone:\n\tHello there\n10:15:09\t From Bob to Everyone:\n\tHi\n10:16:02\t From Ann to Everyone:\n\tGood night\n"
JOPLIN = (
    f"Harbour\n\n{S[0]}\n\nid: {'a1' * 16}\nparent_id: {'b2' * 16}\ncreated_time: 2020-01-01T00:00:00.000Z\ntype_: 1"
)
LOGSEQ = f"- {S[0]}\n  id:: 65a1b2c3-0000-4000-8000-0123456789ab\n  collapsed:: true\n\t- {S[1]}\n"
FOUNTAIN = f"INT. HARBOUR - DAY\n\n/* later: a boat\nor two */\n{S[0]}\n\n[[find a song]]\n\nANN\nSo it is.\n"
ADOC = f"= Harbour\n:toc:\n// a remark\n\n[source,ruby]\n----\nputs 1\n----\n\n{S[0]}\n\n////\nhidden\n////\n{S[1]}\n"
WIKI = f"== Harbour ==\n'''The harbour''' is {{{{stub}}}} [[old|very old]].<ref>Book</ref>\n\n{S[0]}\n"
OPML = '<?xml version="1.0"?><opml version="2.0"><head><title>x</title></head><body><outline text="Sea"><outline text="The tide fell &amp; rose" _note="twice"/></outline></body></opml>'
EXTRACTED = f'<doc id="12" url="https://a.example/wiki?curid=12" title="Sea">\nSea\n\n{S[0]}\n</doc>\n<doc id="13" url="u" title="Bay">\n{S[1]}\n</doc>\n'
ANKI = "#separator:tab\n#html:true\n#tags column:3\n" + "".join(
    f"der Hund {n}\tthe <b>dog</b> {n} [sound:a.mp3]\tanimals\n" for n in range(4)
)
FDX = f'<?xml version="1.0"?><FinalDraft><Content><Paragraph Type="Action"><Text>The sea </Text><Text>{S[0]}</Text></Paragraph><Paragraph Type="Dialogue"><Text>{S[1]}</Text></Paragraph></Content></FinalDraft>'

MAN = (
    '.\\" a remark\n.TH LS 1 "May 2020"\n.SH NAME\nls \\- list \\fBdirectory\\fR contents\n.PP\nSee\n.BR cp (1),\n.I "all of it"\n.nf\n'
    "it\\(aqs \\[em] \\(lqso\\(rq\n.fi\n"
)
FACEBOOK = json.dumps(
    [
        {"timestamp": 157, "attachments": [], "data": [{"post": S[n]}], "title": "Ann Miller updated her status today."}
        for n in range(6)
    ]
)
ROAM = json.dumps(
    [
        {
            "title": "Sea",
            "children": [{"string": S[n], "uid": "a", "children": [{"string": "so it is"}]} for n in range(2)],
        }
    ]
)
HANGOUTS = json.dumps(
    {
        "conversations": [
            {
                "conversation": {"id": {"id": "x"}},
                "events": [
                    {
                        "sender_id": {"gaia_id": "1"},
                        "event_type": "REGULAR_CHAT_MESSAGE",
                        "chat_message": {"message_content": {"segment": [{"type": "TEXT", "text": S[n]}]}},
                    }
                    for n in range(3)
                ],
            }
        ]
    }
)
READ = [
    ("posts_1.json", FACEBOOK, S[:6], "JSON, all sentences in it, 6 elements"),
    ("roam.json", ROAM, [f"- {S[0]}\n  - so it is\n- {S[1]}\n  - so it is\n"], "Roam notes, 1 page"),
    ("Hangouts.json", HANGOUTS, ["\n".join(S[:3])], "JSON, all sentences in it, 1 element"),
    ("man1/ls.1", MAN, ["\nNAME\nls - list directory contents\n\nSee\ncp(1),\nall of it\nit's \u2014 \u201cso\u201d\n"], "manual page"),
    ("vault/Map.canvas", CANVAS, [S[0], f"# Head\n\n{S[1]}"], "table, column text of the list nodes, 2 rows"),
    ("My Clippings.txt", CLIPPINGS, [f"{S[0]}\n\n{S[2]}\n"], "Kindle clippings, 2 clippings"),
    ("data/tweets.js", _tweets(), [f"{S[n]} Tom & I" for n in range(6)], "table, column tweet.full_text, 6 rows"),
    ("RC_2020-01", REDDIT, [S[0], S[1], S[2]], "table, column body, 3 rows"),
    ("export.enex", ENEX.format(NOTE.format(1, S[0])), [S[0]], "Evernote notes, 1 note; 1 attachment left out"),
    ("blog.xml", WXR, [f"First\n\n{S[0]} Tom & Ann."], "feed, 1 entry; 1 entries that are no posts left out"),
    ("notes.org", ORG, ["#+TITLE: The harbour\n\n* Morning :sea:\nThe sea was calm.\n#+begin_quote\nSo calm.\n#+end_quote\n"], "Org text"),
    ("book.adoc", ADOC, [f"= Harbour\n\n----\nputs 1\n----\n\n{S[0]}\n\n{S[1]}\n"], "AsciiDoc text"),
    ("play.fountain", FOUNTAIN, [f"INT. HARBOUR - DAY\n\n{S[0]}\n\n\nANN\nSo it is.\n"], "screenplay"),
    ("play.fdx", FDX, [f"The sea {S[0]}\n{S[1]}\n"], "XML document, 2 lines"),
    ("page.wiki", WIKI, [f"Harbour\nThe harbour is very old.\n\n{S[0]}\n"], "page of a wiki"),
    ("song.lrc", "[ar:Ann]\n[00:01.00]The sea\n[00:02.00][00:09.00]was <00:02.10>calm\n", ["The sea\nwas calm\n"], "lyrics, 2 lines"),
    ("film.ass", ASS, ["Hello, dear\nfriend\n"], "subtitles, 1 line"),
    ("film.sub", "{1}{25}{Y:i}Hello|there\n{30}{50}Good night\n", ["Hello\nthere\nGood night\n"], "subtitles, 2 lines"),
    ("line.txt", LINE, ["Ann: Hello there\nBob: Two\nlines\nAnn: Good night\n"], "LINE chat, 3 messages; 3 service lines left out"),
    ("kakao.txt", KAKAO, ["Ann: 안녕하세요\nBob: 네\n두 줄\nAnn: 잘 자요\n"], "KakaoTalk chat, 3 messages"),
    ("phone.txt", KAKAO_PHONE, ["Ann: 안녕하세요\nBob: 네\n두 줄\nAnn: 잘 자요\n"], "KakaoTalk chat, 3 messages"),
    ("imessage.txt", IMESSAGE, ["Me: Hello there\n+15551234567: Two\nlines\nMe: Good night\n"], "iMessage chat, 3 messages"),
    ("qq.txt", QQ, ["小明: 你好\nBob: 两\n行\n小明: 晚安\n"], "QQ chat, 3 messages"),
    ("irc.weechatlog", WEECHAT, ["ann: hello there\nbob: hi\nann: good night\n"], "WeeChat log, 3 messages"),
    ("zoom.txt", ZOOM, ["Ann: Hello there\nBob: Hi\nAnn: Good night\n"], "Zoom chat, 3 messages"),
    ("signal/data.json", SIGNAL, ["".join(f"{('Ann', 'Me')[n % 2]}: {S[n]}\n" for n in range(4))], "Signal chat, 4 messages"),
    ("chat/messages.json", GOOGLE_CHAT, ["".join(f"Ann: {S[n]}\n" for n in range(4))], "Google chat, 4 messages"),
    ("skype.json", SKYPE, ["\n".join(f"ann: {S[n]} now" for n in (2, 1, 0))], "Skype chats, 1 conversation"),
    ("journal.json", DAY_ONE, S[:5], "table, column text of the list entries, 5 rows"),
    ("Keep/note.json", KEEP, [S[0]], "column textContent, 1 row"),
    ("talk.json", WHISPER, ["".join(f"{text}\n" for text in S[:4])], "transcript, 4 segments"),
    ("cards.txt", ANKI, [f"der Hund {n}\nthe dog {n}" for n in range(4)], "flashcards, 4 notes; tags, decks and markup left out"),
    ("de.po", PO, ["Öffne die Datei\nClose\n"], "translated messages, 2 messages; originals of what is translated left out"),
    ("feeds.opml", OPML, ["Sea\n  The tide fell & rose\n  twice\n"], "outline, 2 items"),
    ("plan.ics", ICS, ["A walk\nBring boots, and a very long rope\nto the harbour."], "calendar, 1 event"),
    ("AA/wiki_00", EXTRACTED, [f"Sea\n\n{S[0]}\n", f"{S[1]}\n"], "pages of a wiki, 2 articles"),
    ("en.conllu", CONLLU, ["The sea was calm.\nIt rained.\n"], "annotated sentences, 2 sentences; annotation left out"),
    ("page.mht", MHT, ["The sea – calm."], "saved web page, 1 document"),
    ("crawl.warc.gz", _warc(), [S[4], S[5]], "web archive, 2 pages"),
    ("note.md", JOPLIN, [f"Harbour\n\n{S[0]}\n\n"], "Joplin note"),
    ("journals/2020.md", LOGSEQ, [f"- {S[0]}\n\t- {S[1]}\n"], "Logseq notes"),
]  # fmt: skip
NOT_READ = [
    ("package.json", '{"name": "x", "version": "1.0.0", "scripts": {"a": "b"}, "dependencies": {"x": "^1"}}', "a table without a column of text (it has a, x; name one with --set clean.text_columns)"),
    ("people.vcf", "BEGIN:VCARD\nVERSION:3.0\nFN:Ann Miller\nTEL:+1 555\nEND:VCARD\n", "contacts: names and numbers, no text"),
    ("map.svg", '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0 L 10 10"/></svg>', "a drawing (SVG)"),
    ("App.csproj", '<?xml version="1.0"?><Project><PropertyGroup><TargetFramework>net8.0</TargetFramework></PropertyGroup></Project>',
     "XML without sentences"),
    ("track.gpx", '<?xml version="1.0"?><gpx><trkpt lat="1" lon="2"><ele>3.1</ele><time>2020-01-01T00:00:00Z</time></trkpt></gpx>',
     "XML without sentences"),
    ("book.azw3", b"\0" * 60 + b"BOOKMOBI" + b"\0" * 200, "a book of a kind that is not read"),
    ("empty.opml", '<?xml version="1.0"?><opml><body/></opml>', "an outline without text"),
]  # fmt: skip
