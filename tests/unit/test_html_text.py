"""The text of HTML that others have written, whatever they have written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.html_text import LONGEST_HTML, plain_text

LONG = 1024 * 1024


def test_html_becomes_text() -> None:
    html = (
        "<h1>Un&nbsp;titre</h1><p>Une <em>phrase</em>,<br>deux lignes &lt;b&gt;</p>"
        "<script>alert(1)</script><ul><li>a</li><li>b</li></ul><style>p{}</style>\ud800\x00"
    )
    assert plain_text(html) == "Un titre\nUne phrase,\ndeux lignes <b>\na\nb"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        (" \n ", ""),
        ("a < b & c <3 d", "a < b & c <3 d"),
        ("un <b>x</b> <i>y</i> z", "un x y z"),
        ("<p>un<p>deux", "un\ndeux"),
        ("<a href='x>y'>z</a>", "z"),
        ("a<!-- c -->b", "ab"),
        ("<meta charset=latin1>é<p>&eacute;", "é\né"),
        ("<script>if (a<b) x('</p>')</script>t", "t"),
        ("<template>q<b>r</b></template>s", "s"),
        ("x <", "x <"),
    ],
)
def test_odd_html_is_read_as_browsers_do(html: str, text: str) -> None:
    assert plain_text(html) == text


@pytest.mark.parametrize(
    "part",
    ["<a ", "<a x='", "<!--", "<", "</", "<!", "<?", "&", "&#", "<b>", "<i><div>", "<script>"],
)
def test_what_is_never_closed_is_read_at_once(part: str) -> None:
    # what needs the square of its length would never come to an end here
    plain_text(part * (LONG // len(part)))


@pytest.mark.parametrize(("opened", "closed"), [("<b>", "</i>"), ("<div>", "</p>")])
def test_what_is_closed_but_was_not_opened_is_read_at_once(opened: str, closed: str) -> None:
    half = LONGEST_HTML // 2
    plain_text(opened * (half // len(opened)) + closed * LONG)


def test_what_is_too_long_is_cut() -> None:
    assert len(plain_text("x" * LONG)) == LONGEST_HTML


@given(st.text(alphabet=st.sampled_from("<>/!-'\"= abp&#;\0\ud800é\n")))
def test_no_text_is_an_error(html: str) -> None:
    assert plain_text(html).isprintable() or "\n" in plain_text(html)
