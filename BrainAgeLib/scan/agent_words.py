"""Whether the name of a series, or a header's field, tells of a contrast agent: in many languages.

Names of series are typed by hand. What denies an agent ("ohne KM", "w/o gad", "PRE GAD") is looked
for first and taken away; what is left may name one ("T1 C", "t1ce", "con mdc", "+C", "POST"). The
words are those that hospitals use; abbreviations that also mean something else count only where
they stand for an agent.
"""

from __future__ import annotations

import re

# An agent or its injection.
_AGENT = (
    r"(?:(?:i ?v )?(?:gado\w*|gad\b|gd\b|gd ?(?:dtpa|dota|bopta|do3a)|km\b|cm\b|mdc\b|m d c\b|civ\b"
    r"|kontr\w*|contr(?!ol)\w*|contrast\w*|agent\b|dotarem|magnevist|multihance|omniscan|prohance"
    r"|clariscan|inj(?!ur)\w*|enhanc\w*|\u043a\u043e\u043d\u0442\u0440\w*|c\b|ce\b|kl\b|k\b))"
)
# What denies it, or tells of the time before it.
_WITHOUT = (
    r"(?:without|w ?o|wo|no|not|non|none|un|ohne|keine?|nativ\w*|sans|senza|sin|sem|zonder|uten"
    r"|utan|uden|bez|fara|ilman|pre|vor|avant|prima|antes|before|voor|przed|"
    r"\u0431\u0435\u0437|\u0434\u043e)"
)
_ARTICLES = r"(?:(?:di|de|du|d|del|della|the|any|il|el|la|le|l|der|dem|of|use) ?){0,2}"
_DENIED = re.compile(rf"\b{_WITHOUT} ?{_ARTICLES}{_AGENT}")
# "contrast" of other kinds; what "post" and "c" mean beside an agent.
_OTHERS = re.compile(
    r"\b(?:phase|transfer|tissue|multi|dual|high|low|magneti[sz]ation) ?contrast\w*"
    r"|\bpost ?(?:op\w*|surg\w*|fossa|rt\b|radi\w*|treat\w*|ther\w*|chemo\w*|traum\w*|stroke"
    r"|proc\w*|partum|covid|resect\w*|biops\w*|ictal|vax|intervention\w*|scan|test|training|visit|baseline"
    r"|exercise|dose|drug|meal|sleep)"
)
_NAMED = re.compile(
    r"\bgado\w*|\bgad\b|\bgd\b|\bgd ?(?:dtpa|dota|bopta|do3a)|\bkm\b|\bmdc\b|\bm d c\b|\bciv\b"
    r"|\bkontr(?!ol|asts[i\u0131]z)\w*|\bs k ?l\b|\bcontr(?!ol|al)\w*|\bdotarem|\bmagnevist"
    r"|\bmultihance|\bomniscan|\bprohance|\bclariscan|\binj(?!ur)\w*|\bce\b|\bpost\b"
    r"|\bpost(?:gad|gd|contr|con\b|inj|km|ce\b|c\b|mdc)\w*|\bwith c\b|\bw c\b|\bmit cm\b"
    r"|\bnach cm\b|\bpost cm\b"
    r"|\u043a\u043e\u043d\u0442\u0440|\u589e\u5f3a|\u589e\u5f37|\u5897\u5f37|\u9020\u5f71(?!\u524d)"
    r"|\b(?:3d ?)?t1w?(?:c|ce|cm|gd|gad|gado|post|km|contrast|mdc)\b"
    r"|\b(?:ce|gd|gad|post)(?:t1w?|mprage|bravo|vibe|spgr)\b"
    r"|\b(?:mprage|bravo|spgr|vibe|flash)(?:ce|gd|gad|gado|post|km)\b"
    r"|\bt1\w* (?:\w+ ){0,4}c\b(?! ?(?:sp|spine|wirbel|col))"
)
_EMPTY = re.compile(r"(?:n ?a|nil|not applicable|unknown|0[0 ]*(?:ml)?|-*)?")


def names_agent(description: str) -> bool:
    """Say whether the name of a series tells that it was acquired after a contrast agent."""
    words = _DENIED.sub(" ", _words_of(description))
    return _NAMED.search(_OTHERS.sub(" ", words)) is not None


def is_agent(field: str) -> bool:
    """Say whether a header's field for the agent names one; some write there that none was."""
    words = _words_of(field)
    is_denied = re.match(rf"(?:{_WITHOUT}|n)\b|{_DENIED.pattern}", words) is not None
    return not is_denied and _EMPTY.fullmatch(words) is None


def _words_of(text: str) -> str:
    """Return a text in lower case, its words parted by one space, meaningful signs as words."""
    lower = text.lower().replace("_", " ")
    for pattern, words in _SIGNS:
        lower = re.sub(pattern, words, lower)
    return re.sub(r"[\W_]+", " ", lower).strip()


# A plus stands for an agent right after these, where at most a plane, a size or the like follows:
# "T1+", "T1 SE tra +", "T1+ SAG 3D".
_T1 = r"\b(?:t1\w*|mprage|bravo|spgr|vibe|flash)"
_ITS_OPTIONS = (
    r"(?:[23]d|se|tse|fse|gre|tfe|ffe|spgr|mprage|flash|vibe|tra|trans|ax|axial|cor|coronal|sag"
    r"|sagittal|flair|tirm|blade|dixon|p\d)"
)
_AFTERWARDS = rf"(?:{_ITS_OPTIONS}|mpr|mip|iso|\d+(?:[.,]\d+)?(?: ?mm)?)"
_SIGNS = (
    (r"\b(ce|gd|gad|km|contrast)[-_ :=]*(?:no|none|non|nein|off)\b", r" without \1 "),
    (r"\b(w|s)/ ?o\b", " without "),
    (r"\bs/ ?(?=c\b|contr|gad|gd|civ)", " without "),  # Portuguese and Spanish: sin, sem
    (r"\bc/ ?(?=contr|gad|gd|civ)", " with "),
    (r"\bw/ ?(?!o\b)", " with "),
    (r"\b(c|ce|gd|gad|km|k|mdc|contrast)[-\u2013\u2212](?=$|[\s_)\].,])", r" without \1 "),
    (r"(?:^|[\s_([])[-\u2013\u2212] ?(?=(?:c|ce|gd|gad|km|k|mdc|contrast)\b)", " without "),
    # Any other plus joins words, sizes or options: "SE+FS", "5+1mm", "SENSE+".
    (r"\+ *(?:c|ce|gd|gad|km|k|mdc)\b|\b(?:c|ce|gd|gad|km|k|mdc)\+", " post "),
    (
        rf"({_T1}(?:[ -](?:{_ITS_OPTIONS}|fs))*) *\+ *(?=(?:{_AFTERWARDS}(?: +|$|(?=\.[a-z])))*"
        r"(?:$|\.[a-z]))",
        r"\1 post ",
    ),
)
