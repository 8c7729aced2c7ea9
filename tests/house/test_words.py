"""The tree says nothing of the machines and places where it was made."""

import re

import pytest
from tests.house.tree import ROOT, files, text_of

# A letter in brackets keeps a pattern from finding itself here.
BANNED = {
    "a machine's path": r"/(?:w[o]rk|tmp/d[e]v|home/[a-z]+)/",
    "a registry's host": r"pypi\.[o]rg|pythonh[o]sted|registry\.n[p]mjs",
    "a paper that is not in the tree": r"\b(?:DESIG[N]|HOUS[E]|RULE[S]|SPIKE[S]|FACT[S]|PROTOCOL[S]|SWEE[P])\.md\b",
    "the making of it": r"(?i)\blanguage mode[l]\b|\bchatgp[t]\b|\bcopilo[t]\b|\bAI[- ]generate[d]|\bas an A[I]\b",
    "work put off": r"\bTOD[O]\b|\bFIXM[E]\b|\bXX[X]\b",
}


def found_in(text: str) -> list[str]:
    """What of the banned stands in the text, each with its line."""
    return [
        f"line {number}: {name}: {match[0]}"
        for number, line in enumerate(text.splitlines(), 1)
        for name, pattern in BANNED.items()
        if (match := re.search(pattern, line))
    ]


def test_no_file_holds_a_banned_word() -> None:
    found = {str(path.relative_to(ROOT)): words for path in files() if (words := found_in(text_of(path)))}
    assert found == {}


@pytest.mark.parametrize(
    "words", ["see /w+ork/main/x", "at /tmp/d+ev/.venv", "https://pypi.+org/simple", "as DESIGN+.md says", "# TO+DO"]
)
def test_a_banned_word_would_be_found(words: str) -> None:
    assert found_in("first\n" + words.replace("+", ""))


def test_every_numbered_rule_that_the_code_names_is_explained() -> None:
    """R4 and the like are told to users in findings; the explanations must say what they mean."""
    named = {rule for path in (ROOT / "src").rglob("*.py") for rule in re.findall(r"\bR\d{1,2}\b", text_of(path))}
    explained = {rule for path in (ROOT / "docs").rglob("*.md") for rule in re.findall(r"\bR\d{1,2}\b", text_of(path))}
    assert named <= explained
