"""Phrases in a prompt: its words with their places, and the longest phrases of a lexicon among them.

English is split at spaces, hyphens and punctuation; Chinese by the longest word of its vocabulary. Quotes, comparisons,
names and what a prompt excludes are left out here; ``prompt`` and ``subjects`` read what remains.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from msgspec import Struct

from storyboard.animatic import chinese, vocabulary

Span = tuple[int, int]

_WORD = re.compile(r"[^\W\d_]+(?:'s?(?![^\W_]))?|\d+[^\W\d_]*|[^\w\s]|\n|_")
_HYPHENS = ("-", "\u2010", "\u2011")
_HAN = re.compile(r"[\u4e00-\u9fff]+")
_OTHER = re.compile(r"[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f\uac00-\ud7af\u1100-\u11ff]")  # kana and Hangul
# Characters of Japan that Chinese writes in another form.
_JAPANESE = re.compile("[々円図広単駅桜畑峠込働歩渋沢浜辺気実黒売読続変対戻桟栄塩姫髪竜覚拡釈鉄銭険雑]")
_IRREGULAR = {
    "woman": "women", "man": "men", "person": "persons", "child": "children", "foot": "feet", "tooth": "teeth",
    "mouse": "mice", "goose": "geese", "sheep": "sheep", "fish": "fish", "deer": "deer", "wolf": "wolves",
    "knife": "knives", "leaf": "leaves", "calf": "calves", "people": "people", "elf": "elves", "thief": "thieves",
    "cattle": "cattle", "ox": "oxen", "scissors": "scissors", "glasses": "glasses", "woods": "woods", "loaf": "loaves",
}  # fmt: skip


class Token(Struct, frozen=True):
    """A word or a punctuation mark: in lower case, with its place in the prompt."""

    text: str
    start: int
    end: int
    capital: bool = False
    upper: bool = False

    @property
    def is_word(self) -> bool:
        """True for a word, false for punctuation."""
        return self.text[0].isalnum() or self.text[0] == "'"


class Phrase(Struct, frozen=True):
    """A phrase of the lexicon in a prompt: tokens *first* to before *last*, and its meanings."""

    first: int
    last: int
    meanings: Mapping[str, str]
    plural: bool = False


class Lexicon:
    """Phrases with their meanings, found by their words."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, ...], tuple[dict[str, str], bool]] = {}
        self._longest: dict[str, int] = {}

    def add(self, category: str, value: str, phrases: str, *, nouns: bool = False) -> None:
        """Add *phrases*, separated by commas; *nouns* are found in the plural too."""
        for phrase in phrases.split(","):
            words = tuple(phrase.split())
            if not words:
                continue
            self._put(words, category, value, plural=False)
            if nouns and (many := (*words[:-1], plural_of(words[-1]))) != words:
                self._put(many, category, value, plural=True)

    def _put(self, words: tuple[str, ...], category: str, value: str, *, plural: bool) -> None:
        meanings, is_plural = self._entries.setdefault(words, ({}, plural))
        if not category and is_plural:
            self._entries[words] = ({}, False)  # `bars` are no place where people drink
        if category:
            meanings.setdefault(category, value)
        self._longest[words[0]] = max(self._longest.get(words[0], 0), len(words))

    def __contains__(self, words: tuple[str, ...]) -> bool:
        return words in self._entries

    def find(self, tokens: Sequence[Token]) -> list[Phrase]:
        """Return the phrases in *tokens*, the longest first at each word, none over another."""
        found, at = [], 0
        words = [token.text for token in tokens]
        while at < len(words):
            for length in range(min(self._longest.get(words[at], 0), len(words) - at), 0, -1):
                entry = self._entries.get(tuple(words[at : at + length]))
                if entry is not None:
                    found.append(Phrase(at, at + length, *entry))
                    at += length
                    break
            else:
                at += 1
        return found


def plural_of(noun: str) -> str:
    """Return the plural of an English noun."""
    for single, many in _IRREGULAR.items():
        if noun == single or (single in ("woman", "man") and noun.endswith("man") and single == "man"):
            return noun[: len(noun) - len(single)] + many
    if noun.endswith(("s", "x", "ch", "sh", "z")):
        return noun if noun.endswith("s") and not noun.endswith("ss") and len(noun) > 4 else noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def is_japanese_or_korean(text: str) -> bool:
    """Return whether *text* holds letters that Chinese does not use."""
    return _OTHER.search(text) is not None or _JAPANESE.search(text) is not None


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of *text*. Chinese becomes the English words for it, at its places."""
    is_chinese = not is_japanese_or_korean(text)
    text = text.replace("\u2019", "'").replace("\u2018", "'")
    found: list[Token] = []
    for match in _WORD.finditer(text):
        word, at = match.group(), match.start()
        if word in _HYPHENS and text[at - 1 : at].isalnum() and text[at + 1 : at + 2].isalnum():
            continue
        if _HAN.match(word):
            found += _mixed(word, at, is_chinese)
        elif word[-2:] in ("'s", "'S") and word.casefold() not in ("bird's", "worm's", "god's", "chef's"):
            found += [_token(word[:-2], at), Token("'s", at + len(word) - 2, match.end())]
        else:
            found.append(_token(word.rstrip("'") or word, at))
    return found


def _token(word: str, at: int) -> Token:
    return Token(word.casefold(), at, at + len(word), word[:1].isupper(), len(word) > 1 and word.isupper())


def _mixed(word: str, at: int, is_chinese: bool) -> list[Token]:
    """Return the tokens of a run that begins with Han characters and may hold other letters."""
    found: list[Token] = []
    place = 0
    for run in _HAN.finditer(word):
        if run.start() > place:
            found.append(_token(word[place : run.start()], at + place))
        found += (
            _chinese_tokens(run.group(), at + run.start()) if is_chinese else [_token(run.group(), at + run.start())]
        )
        place = run.end()
    return [*found, _token(word[place:], at + place)] if place < len(word) else found


def _compiled(pattern: str) -> re.Pattern[str]:
    for part, text in vocabulary.PATTERN_PARTS.items():
        pattern = pattern.replace(part, text)
    return re.compile(rf"\b(?:{pattern})(?!\w)")


@cache
def _english_moves() -> list[tuple[str, bool, tuple[str, ...], re.Pattern[str]]]:
    """Return the patterns of camera moves, compiled at the first reading."""
    return [(name, unsure, tuple(stems.split()), _compiled(pattern)) for name, unsure, stems, pattern in _PATTERNS]


@cache
def _chinese_moves() -> list[tuple[str, re.Pattern[str]]]:
    return [(name, re.compile(pattern)) for name, pattern in chinese.MOVE_PATTERNS]


_PATTERNS = vocabulary.MOVE_PATTERNS
ENDS = frozenset(".!?。！？\n")
BREAKS = ENDS | frozenset(",;:，；：、—–-()[]（）")
_QUOTES = {'"': '"', "“": "”", "「": "」", "『": "』", "《": "》"}


def _each(words: str) -> set[str]:
    return {word.strip() for word in words.split(",")}


@cache
def _lexicon() -> Lexicon:
    """Return the lexicon of all English phrases, built at the first reading."""
    found = Lexicon()
    tables = {
        "size": vocabulary.SIZE_WORDS, "view": vocabulary.VIEW_WORDS, "angle": vocabulary.ANGLE_WORDS,
        "place": vocabulary.PLACE_WORDS, "time": vocabulary.TIME_WORDS, "age": vocabulary.AGES,
        "pronoun": vocabulary.PRONOUNS, "mood": vocabulary.MOOD_WORDS,
    }  # fmt: skip
    for category, table in tables.items():
        for value, words in table.items():
            found.add(category, value, words)
    for action, words in vocabulary.ACTION_WORDS.items():
        found.add("action", action, words)
    nouns = {"subject": vocabulary.SUBJECT_WORDS, "part": vocabulary.PART_WORDS, "weather": vocabulary.WEATHER_WORDS}
    for category, table in nouns.items():
        for value, words in table.items():
            found.add(category, value, words, nouns=True)
    for category, table in (("setting", _setting_weights()), ("feature", _merged(vocabulary.FEATURE_WORDS))):
        for word, value in table.items():
            found.add(category, value, word, nouns=True)
    for category, numbers in (("number", vocabulary.NUMBERS), ("group", vocabulary.GROUPS)):
        for word, number in numbers.items():
            found.add(category, str(number), word)
    rest = {
        "hold": vocabulary.HOLDING, "empty": vocabulary.EMPTY, "no": vocabulary.NEGATION, "like": vocabulary.COMPARISON,
        "depiction": vocabulary.DEPICTION, "slow": vocabulary.SLOW, "fast": vocabulary.FAST, "whip": vocabulary.WHIP,
        "handheld": vocabulary.HANDHELD, "spoken": vocabulary.SPOKEN, "": vocabulary.MISLEADING,
    }  # fmt: skip
    for category, words in rest.items():
        found.add(category, category, words)
    for colour in vocabulary.COLOURS:
        found.add("colour", colour, colour)
    return found


def _setting_weights() -> dict[str, str]:
    """Return each word of the settings with the settings it names and their weights, as ``sea 1 mountain 1``."""
    found: dict[str, str] = {}
    for setting, words in vocabulary.SETTING_WORDS.items():
        for listed in _each(words):
            word, weight = listed.rstrip("!?"), 3 if listed.endswith("!") else 2 if listed.endswith("?") else 1
            found[word] = f"{found.get(word, '')} {setting} {weight}".strip()
    return found


def _merged(table: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for value, words in table.items():
        for word in sorted(_each(words)):
            found[word] = f"{found.get(word, '')} {value}".strip()
    return found


@cache
def _chinese_words() -> tuple[Mapping[str, str], int]:
    """Return the Chinese words with their English phrases, and the length of the longest."""
    words = dict.fromkeys(chinese.MISLEADING.split(), "")
    words |= {word: phrase for phrase, listed in chinese.WORDS.items() for word in listed.split()}
    return words, max(map(len, words))


def _chinese_tokens(run: str, at: int) -> Iterator[Token]:
    """Yield the English words for a run of Chinese, and what has no word as it stands."""
    words, longest = _chinese_words()
    run = run.translate(chinese.TRADITIONAL)
    place = unknown = 0
    while place < len(run):
        length = next((n for n in range(min(longest, len(run) - place), 0, -1) if run[place : place + n] in words), 0)
        counted = chinese.COUNTED.match(run, place)
        if counted is not None and counted.end() - place > length:
            length, phrase = counted.end() - place, str(chinese.count_of(counted) or "several")
        elif run[place] == "的" and not length:
            length, phrase = 1, "'s"
        else:
            phrase = words.get(run[place : place + length], "")
        if not length or (length == 1 and unknown < place and run[place] not in "人的"):
            place += 1  # one character behind an unknown one is a part of a longer word: 吹风机 is no wind
            continue
        if unknown < place:
            yield Token(run[unknown:place], at + unknown, at + place)
        end = place + length
        if run[end : end + 1] == "们" and phrase:
            *first, last = phrase.split()
            phrase, end = " ".join([*first, plural_of(last)]), end + 1
        for word in phrase.split() or [run[place:end]]:
            yield Token(word, at + place, at + end)
        place = unknown = end
    if unknown < len(run):
        yield Token(run[unknown:], at + unknown, at + len(run))


def _is_foreign(text: str, tokens: Sequence[Token]) -> bool:
    """Return whether most of the text is in a language that is not read here."""
    letters = [char for char in text if char.isalpha()]
    han = "\u9fff" if not is_japanese_or_korean(text) else ""
    read = sum(char < "\u0250" or "\u4e00" <= char <= han for char in letters)
    if read * 2 < len(letters):
        return True
    words = [token.text for token in tokens if token.text.isalpha() and token.text[0] < "\u0250"]
    english = sum(word in FUNCTION_WORDS for word in words)
    accents = sum(not word.isascii() for word in words if word not in ("café", "fiancé", "fiancée", "naïve", "señor"))
    foreign = sum(word in _FOREIGN for word in words) + accents
    return foreign > english or (foreign > 2 and foreign * 2 >= english)


def _is_unlike_english(tokens: Sequence[Token], phrases: Sequence[Phrase]) -> bool:
    """Return whether few of three or more words are known, and none of them is one that English sentences hold."""
    words = [number for number, token in enumerate(tokens) if token.text.isalpha()]
    known = sum(phrase.last - phrase.first for phrase in phrases)
    return len(words) > 2 and known * 3 < len(words) and not any(tokens[number].text in PLAIN_WORDS for number in words)


FUNCTION_WORDS = frozenset(vocabulary.FUNCTION)
_FOREIGN = frozenset(vocabulary.FOREIGN) - FUNCTION_WORDS
PLAIN_WORDS = FUNCTION_WORDS | frozenset(vocabulary.STYLE)
_KEPT = frozenset(("size", "view", "angle", "handheld"))  # directions that may share words with a move


class Sentence:
    """The tokens of a prompt with its phrases, and what each phrase means where it stands."""

    def __init__(self, prompt: str) -> None:
        self.text = prompt
        self.chinese = not is_japanese_or_korean(prompt)
        self.tokens = tokens_of(prompt)
        foreign = _is_foreign(prompt, self.tokens)
        self.phrases = [] if foreign else _lexicon().find(self.tokens)
        foreign = foreign or (prompt.isascii() and _is_unlike_english(self.tokens, self.phrases))
        self.all = self.phrases
        self.masked = [""] * len(self.tokens)
        self.used: set[int] = set()  # numbers of tokens
        self.foreign = foreign
        long = [token for token in self.tokens if len(token.text) > 3 and token.text.isalpha()]
        self.titled = len(long) > 2 and sum(token.capital for token in long) > 0.7 * len(long)
        self._mask()
        self.moves = () if foreign else tuple(sorted(self._find_moves(), key=lambda move: move[1]))
        taken = [span for _, span in self.moves]
        self.phrases = [
            phrase
            for phrase in self.phrases
            if not self.masked[phrase.first]
            and (_KEPT & phrase.meanings.keys() or not self._overlaps(phrase, taken))
            and not self._is_name(phrase)
        ]
        self.starts = {phrase.first: phrase for phrase in self.phrases}

    def word(self, number: int) -> str:
        """Return the word at *number*, empty outside the prompt."""
        return self.tokens[number].text if 0 <= number < len(self.tokens) else ""

    def words(self, phrase: Phrase) -> str:
        """Return the words of *phrase*."""
        return " ".join(token.text for token in self.tokens[phrase.first : phrase.last])

    def clause(self, number: int) -> tuple[int, int]:
        """Return the range of the clause that holds the token *number*."""
        first = number
        while first > 0 and self.word(first - 1) not in BREAKS:
            first -= 1
        last = number
        while last < len(self.tokens) and self.word(last) not in BREAKS:
            last += 1
        return first, last

    def use(self, phrase: Phrase) -> None:
        """Note that the words of *phrase* were understood."""
        self.used.update(range(phrase.first, phrase.last))

    def _overlaps(self, phrase: Phrase, spans: Sequence[Span]) -> bool:
        start, end = self.tokens[phrase.first].start, self.tokens[phrase.last - 1].end
        return any(start < last and end > first for first, last in spans)

    # Parts that do not count: speech, comparisons, pictures of things, and what the prompt excludes.

    def _mask(self) -> None:
        self._mask_quotes()
        for phrase in self.phrases:
            if self.masked[phrase.first]:
                continue
            if "spoken" in phrase.meanings and self.word(phrase.last) in (":", "："):
                self._mask_until(phrase.first, ENDS, "spoken")
            elif "no" in phrase.meanings:
                self._mask_excluded(phrase)
            elif "like" in phrase.meanings and self.word(phrase.first - 1) not in ("looks", "would"):
                self._mask_object(phrase.last, "like")
            elif "depiction" in phrase.meanings and self._is_on_show(phrase):
                self._mask_object(phrase.last, "depicted")
            elif not phrase.plural and self._is_figurative(phrase):
                self._mask_object(phrase.first, "figurative")

    def _is_on_show(self, phrase: Phrase) -> bool:
        """Return whether a picture is a thing in the shot: `a painting of` at the start names the style of the shot."""
        first, last = self.clause(phrase.first)
        hung = {"hangs", "hanging", "hung", "wall", "framed", "holding", "holds"}
        return phrase.first - first > 2 or any(self.word(number) in hung for number in range(first, last))

    def _mask_quotes(self) -> None:
        at = 0
        while at < len(self.tokens):
            closing = _QUOTES.get(self.word(at))
            end = next((n for n in range(at + 1, len(self.tokens)) if self.word(n) == closing), 0) if closing else 0
            if end and end - at < len(self.tokens) - 2:
                self.masked[at : end + 1] = ["quoted"] * (end + 1 - at)
            at = max(at, end) + 1

    def _mask_until(self, first: int, ends: frozenset[str], why: str, most: int = 1000) -> None:
        for number in range(first, min(len(self.tokens), first + most)):
            if self.word(number) in ends:
                break
            self.masked[number] = self.masked[number] or why

    def _mask_object(self, first: int, why: str) -> None:
        """Mask one noun phrase: to the end of the clause, a preposition other than `of`, or a verb form."""
        for number in range(first, min(len(self.tokens), first + 6)):
            word = self.word(number)
            if word in BREAKS or (number > first and word in vocabulary.PREPOSITIONS and word != "of"):
                break
            self.masked[number] = self.masked[number] or why

    def _mask_excluded(self, phrase: Phrase) -> None:
        """Mask what follows a negation: a noun phrase, and a list that ends in `or`."""
        number = phrase.last
        self.masked[phrase.first : number] = ["no"] * (number - phrase.first)
        stop = next((n for n in range(number, len(self.tokens)) if self.word(n) in ENDS), len(self.tokens))
        listed = max((n for n in range(number, stop) if self.word(n) in ("or", "nor")), default=0)
        for at in range(number, min(stop, max(listed + 4, number + 6))):
            word = self.word(at)
            if word in BREAKS and at > listed:
                break
            if word in vocabulary.PREPOSITIONS and at >= listed and word not in ("of", "and"):
                break
            self.masked[at] = self.masked[at] or "no"

    def _is_figurative(self, phrase: Phrase) -> bool:
        """Return whether *phrase* is a place only as a figure, as in `a sea of faces`."""
        if "setting" not in phrase.meanings or self.word(phrase.last) != "of":
            return False
        if self.word(phrase.last - 1) not in vocabulary.FIGURATIVE:
            return False
        settings = set(phrase.meanings["setting"].split()[::2])
        _, end = self.clause(phrase.last)
        after = [other for other in self.phrases if phrase.last < other.first < min(end, phrase.last + 5)]
        if any(settings & set(other.meanings.get("setting", "").split()[::2]) for other in after[:2]):
            return False
        following = self.tokens[phrase.last + 1 : phrase.last + 3]
        is_named = any(token.capital for token in following) or self.word(phrase.last + 1) == "the"
        if is_named and ("skyline" in settings or self.word(phrase.first - 1) == "the"):
            return False  # `the forest of Arden`
        return not any("plant" in other.meanings.get("feature", "") for other in after)

    def _is_name(self, phrase: Phrase) -> bool:
        """Return whether the capitals around *phrase* make it a part of a name."""
        token = self.tokens[phrase.first]
        if not token.capital or token.upper or not {"setting", "subject", "time", "feature"} & phrase.meanings.keys():
            return False
        before, after = self._neighbour(phrase.first - 1), self._neighbour(phrase.last)
        last = self.word(phrase.last - 1)
        if token.text in vocabulary.PROPER or last in vocabulary.PROPER:
            return self._is_unknown_name(after)
        if self._is_unknown_name(after) or ("time" in phrase.meanings and after is not None and after.capital):
            return not self.titled or self._is_unknown_name(after)
        if self._is_unknown_name(before) and self.word(phrase.first - 2) not in ("",):
            return last not in vocabulary.PLACE_ENDINGS
        starts = before is None or self.word(phrase.first - 1) in BREAKS
        if starts or self.titled or phrase.last - phrase.first > 1:
            return False
        if "subject" in phrase.meanings and self.word(phrase.first - 1) in vocabulary.DETERMINERS:
            return False
        return not (
            last in vocabulary.PLACE_ENDINGS
            and (self.word(phrase.first - 1) == "the" or (before is not None and before.capital))
        )

    def _neighbour(self, number: int) -> Token | None:
        return self.tokens[number] if 0 <= number < len(self.tokens) and self.tokens[number].is_word else None

    def _is_unknown_name(self, token: Token | None) -> bool:
        return (
            token is not None
            and token.capital
            and not token.upper
            and token.text not in PLAIN_WORDS
            and (token.text,) not in _lexicon()
        )

    # Camera moves.

    def _find_moves(self) -> Iterator[tuple[str, Span]]:
        text = self.text.lower()
        if len(text) != len(self.text):
            text = "".join(char if len(char.lower()) != 1 else char.lower() for char in self.text)
        text = text.replace("-", " ").replace("\u2019", "'").replace("\u2010", " ").replace("\u2011", " ")
        taken: list[Span] = []
        for name, unsure, stems, pattern in _english_moves():
            if not any(stem in text for stem in stems):
                continue
            for match in pattern.finditer(text):
                if self._counts_as_move(name, unsure, match.span(), taken):
                    taken.append(match.span())
                    yield name, match.span()
        if self.chinese and not text.isascii():
            text = text.translate(chinese.TRADITIONAL)
            for name, pattern in _chinese_moves():
                for match in pattern.finditer(text):
                    if self._counts_as_move(name, False, match.span(), taken):
                        taken.append(match.span())
                        yield name, match.span()

    def _counts_as_move(self, name: str, unsure: bool, span: Span, taken: Sequence[Span]) -> bool:
        if any(span[0] < end and span[1] > start for start, end in taken):
            return False
        first = next((n for n, token in enumerate(self.tokens) if token.end > span[0]), 0)
        if name == "static":
            return self.masked[first] in ("", "no")
        if self.masked[first]:
            return False
        if not unsure:
            return True
        start, end = self.clause(first)
        if any(self.word(number) in vocabulary.CAMERA_WORDS for number in range(start, first)):
            return not any("subject" in phrase.meanings for phrase in self._phrases_between(start, first, span))
        while start > 0 and self.word(start - 1) not in ENDS:
            start -= 1
        named = self._phrases_between(start, first, span)
        return not any(
            {"subject", "pronoun", "group", "part", "weather", "feature"} & phrase.meanings.keys() for phrase in named
        ) and (first == self.clause(first)[0] or end - start < 8)

    def _phrases_between(self, start: int, first: int, span: Span) -> list[Phrase]:
        return [
            phrase
            for phrase in self.phrases
            if start <= phrase.first < first
            and self.word(phrase.first) not in vocabulary.CAMERA_WORDS
            and not self._overlaps(phrase, [span])
        ]
