"""Subjects of a prompt: the people, animals and things in the picture, with their numbers, and what they hold."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from storyboard.animatic import vocabulary
from storyboard.animatic.phrases import BREAKS, FUNCTION_WORDS, Phrase, Sentence

PARTS = ("eyes", "face", "mouth", "hair", "hand", "foot", "leg", "arm", "back")
# Kinds of subjects by family; a drawing that has no figure for a kind draws one of its family.
FAMILIES: Mapping[str, str] = {
    "person": "person woman man girl boy child baby crowd robot",
    "animal": "animal dog cat horse bird fish deer fox wolf bear lion tiger elephant monkey rabbit cow sheep pig mouse "
    "snake insect butterfly whale shark dolphin turtle frog penguin camel jellyfish octopus dragon dinosaur duck "
    "chicken eagle owl",
    "vehicle": "vehicle car truck bus motorcycle bicycle train airplane helicopter boat ship sailboat spaceship",
    "object": "object bottle cup glass can phone book letter bag box gun sword knife camera umbrella instrument guitar "
    "piano flower food fruit cake laptop screen watch shoe jewel key candle lamp ball cigarette balloon mask statue "
    "toy chair table door clock hat tool mirror dress microphone perfume money painting",
    "building": "building house tower castle bridge lighthouse windmill church",
    "plant": "plant tree",
}
LIVING = ("person", "animal")
FAMILY_OF = {kind: family for family, kinds in FAMILIES.items() for kind in kinds.split()}


class Subject(Struct, frozen=True):
    """Something in the picture: its kind and number.

    ``kind`` is a name from ``FAMILIES``; ``count`` is 0 where there are several and no number is named; ``part`` is the
    part of a body that the prompt shows, from ``PARTS``; ``age`` is ``child``, ``young`` or ``old``.
    """

    kind: str
    count: int = 1
    part: str | None = None
    age: str | None = None

    @property
    def family(self) -> str:
        """The family of the kind: person, animal, vehicle, object, building or plant."""
        return FAMILY_OF[self.kind]


_ENDS_OF_NOUNS = FUNCTION_WORDS | vocabulary.PREPOSITIONS  # looking back from a noun
_AGE_WORDS = ("something", "year", "years", "mm", "th", "yo", "percent", "degree", "degrees")


class SubjectReader:
    """The subjects of a prompt, what they hold, and whether people are excluded."""

    def __init__(self, sentence: Sentence, *, close: bool) -> None:
        self._sentence = sentence
        self._close = close
        self._found: list[Subject] = []
        self._held: list[Subject] = []
        self._hold: Phrase | None = None
        self._skipped = -1
        self._pronoun = ""
        for number, phrase in enumerate(sentence.phrases):
            self._take(number, phrase)
        living = any(subject.family in LIVING for subject in self._found)
        if not living and self._pronoun:
            self._found.insert(0, Subject(self._pronoun, 0 if self._pronoun == "person" else 1))
        people = self._people()
        masked = (phrase for phrase in sentence.all if sentence.masked[phrase.first] == "no")
        excluded = any(
            "group" in phrase.meanings
            or FAMILY_OF.get(phrase.meanings.get("subject", "")) == "person"
            or sentence.words(phrase) in ("nobody", "no one", "empty of")
            for phrase in masked
        )
        self.subjects, self.held = tuple(self._found), tuple(self._held)
        deserted = self._is_deserted()
        self.empty = not people and (excluded or deserted)

    def _people(self) -> list[Subject]:
        return [subject for subject in self._found if subject.family == "person"]

    def _is_deserted(self) -> bool:
        for phrase in self._sentence.phrases:
            if "empty" in phrase.meanings:
                near = [self._sentence.starts.get(phrase.last + step) for step in (0, 1, 2)]
                if any(other is not None and "setting" in other.meanings for other in near) or phrase.last + 1 >= len(
                    self._sentence.tokens
                ):
                    self._sentence.use(phrase)
                    return True
        return False

    def _take(self, number: int, phrase: Phrase) -> None:
        meanings = phrase.meanings
        if "hold" in meanings:
            self._hold = phrase
        if not self._pronoun and self._sentence.word(phrase.first) in vocabulary.PERSONAL:
            self._pronoun = meanings["pronoun"]
        if "part" in meanings and self._take_part(phrase):
            return
        number_of = self._sentence.starts.get(phrase.last + 1)
        if "group" in meanings and self._sentence.word(phrase.last) == "of":
            if number_of is not None and "number" in number_of.meanings and self._noun_after(number_of) is None:
                self._add(phrase, Subject("person", int(number_of.meanings["number"])))  # `a family of four`
            return
        if "group" in meanings and "subject" not in meanings:
            if self._noun_after(phrase) is None:
                age = self._describe(phrase)[1]
                self._add(phrase, Subject("person", int(meanings["group"]), None, age))
            return
        if "subject" not in meanings or number == self._skipped or not self._is_noun(phrase):
            return
        following = self._noun_after(phrase)
        if following is None or not self._is_noun(following):  # the first of two nouns describes the second
            self._take_subject(number, phrase)

    def _before(self, phrase: Phrase) -> list[Phrase]:
        return [other for other in self._sentence.phrases if other.last == phrase.first]

    def _noun_after(self, phrase: Phrase) -> Phrase | None:
        """Return the noun that follows *phrase* directly, as in `coffee table`."""
        following = self._sentence.starts.get(phrase.last)
        if following is None or not {"subject", "part"} & following.meanings.keys():
            return None
        return None if "part" in following.meanings and following.plural else following  # `the woman smiles`

    def _take_subject(self, number: int, phrase: Phrase) -> None:
        kind = phrase.meanings["subject"]
        if (
            self._sentence.word(phrase.first) in ("figure", "silhouette", "character")
            and self._sentence.word(phrase.last) == "of"
        ):
            return
        count, age, determiner = self._describe(phrase)
        if kind == "crowd":
            count = 0
            if self._sentence.word(phrase.last) == "of" and number + 1 < len(self._sentence.phrases):
                self._skipped = number + 1
                other = self._sentence.phrases[number + 1].meanings.get("subject", "person")
                kind = kind if FAMILY_OF.get(other, "person") == "person" else other
        if kind in ("girl", "boy", "child", "baby"):
            age = "child"
        subject = Subject(kind, count, None, age)
        if determiner in ("", "the", "this", "that", "its", "his", "her", "their", "both", "one") and self._is_again(
            subject, determiner
        ):
            self._sentence.use(phrase)
            return
        self._add(phrase, subject)

    def _is_again(self, subject: Subject, determiner: str) -> bool:
        """Return whether *subject* was named before; `the man` says more of `a detective`."""
        same = [other for other in (*self._found, *self._held) if other.kind == subject.kind]
        if same or determiner != "the" or subject.family not in LIVING:
            return bool(same)
        people = [other for other in self._found if other.family == subject.family]
        if not people:
            return False
        vague = [other for other in people if other.kind in LIVING and other.count == subject.count]
        if subject.kind in LIVING:
            return True
        if vague:
            self._found[self._found.index(vague[0])] = replace(vague[0], kind=subject.kind)
        return bool(vague)

    def _add(self, phrase: Phrase, subject: Subject) -> None:
        self._sentence.use(phrase)
        if subject.family in ("object", "plant") and self._is_held(phrase):
            self._held.append(subject)
            if self._hold is not None:
                self._sentence.use(self._hold)
            return
        owner = self._found[-1] if self._found else None
        before = range(max(0, phrase.first - 4), phrase.first)
        follows_of = any(self._sentence.word(number) == "of" for number in before)
        if owner is not None and owner.kind == "person" and owner.part and follows_of and subject.family in LIVING:
            self._found[-1] = replace(subject, part=owner.part)  # `the hands of an old man`
            return
        self._found.append(subject)

    def _is_held(self, phrase: Phrase) -> bool:
        after = [self._sentence.word(phrase.last + step) for step in range(3)]
        if after[0] in ("in", "on") and after[2] in ("hand", "hands", "arms", "lap"):
            return True
        hold = self._hold
        if hold is None or phrase.first - hold.last > 6:
            return False
        between = range(hold.last, phrase.first)
        if any(self._sentence.word(number) in BREAKS for number in between):
            return False
        return not any(self._sentence.word(number) in vocabulary.PREPOSITIONS - {"with", "and"} for number in between)

    def _take_part(self, phrase: Phrase) -> bool:
        """Take the part of a body that is shown: in a close shot, or named before its owner acts."""
        part = phrase.meanings["part"]
        if phrase.plural and any("subject" in other.meanings for other in self._before(phrase)):
            return True  # a verb: `the woman smiles`
        close = self._close
        owner = self._owner(phrase)
        people = [subject for subject in self._found if subject.family in LIVING]
        in_view = self._sentence.word(phrase.first - 2) in ("in", "of", "with") and owner == "pronoun"
        if part == "hand" and self._is_holding_place(phrase):
            self._sentence.use(phrase)
            return True
        if any(subject.part for subject in people):
            return True
        if people and (close or (owner == "noun" and people[-1] is self._found[-1] and len(people) == 1)):
            last = max(n for n, subject in enumerate(self._found) if subject is people[-1])
            if close or self._sentence.word(phrase.first - 1) == "'s":
                self._found[last] = replace(people[-1], part=part)
                self._sentence.use(phrase)
            return True
        if people or (in_view and not close):
            return True
        kind = self._pronoun if owner == "pronoun" and self._pronoun else "person"
        if (
            kind == "person"
            and not close
            and phrase.first > 3
            and owner is None
            and self._sentence.word(phrase.last) != "of"
        ):
            return True
        count = self._describe(phrase)[0] if part not in ("eyes", "hand", "foot", "leg", "arm", "mouth", "hair") else 1
        self._found.append(Subject(kind, max(1, count), part))
        self._sentence.use(phrase)
        return True

    def _is_holding_place(self, phrase: Phrase) -> bool:
        return bool(self._held) and self._sentence.word(phrase.first - 1) in ("his", "her", "their", "one")

    def _owner(self, phrase: Phrase) -> str | None:
        for step in range(1, 4):
            word = self._sentence.word(phrase.first - step)
            if word == "'s":
                return "noun"
            if word in ("her", "his", "their"):
                return "pronoun"
            if word in BREAKS or not word:
                return None
        return None

    def _is_noun(self, phrase: Phrase) -> bool:
        """Return whether an ambiguous word stands where a noun does."""
        word = self._sentence.word(phrase.first)
        if phrase.last - phrase.first > 1 or not (
            {word, word.removesuffix("s"), word.removesuffix("es")} & vocabulary.AMBIGUOUS
        ):
            return True
        if self._sentence.word(phrase.last) in (
            "a",
            "an",
            "the",
            "her",
            "his",
            "their",
            "at",
            "up",
            "down",
            "over",
            "to",
        ):
            before = self._sentence.word(phrase.first - 1)
            return before in vocabulary.DETERMINERS or before in vocabulary.NUMBERS
        for step in range(1, 4):
            before = self._sentence.word(phrase.first - step)
            if before == "" or before in BREAKS or before in vocabulary.DETERMINERS or before in vocabulary.NUMBERS:
                return step == 1 or before != "" or not phrase.plural
            if before in ("of", "with", "holding", "by", "and", "or"):
                return True
            other = self._sentence.starts.get(phrase.first - step)
            if before in FUNCTION_WORDS or (
                other is not None and {"subject", "pronoun", "group"} & other.meanings.keys()
            ):
                return False
        return False

    def _describe(self, phrase: Phrase) -> tuple[int, str | None, str]:
        """Return the number, the age and the determiner of the noun *phrase*, from the words before it."""
        count, age = 0 if phrase.plural else 1, None
        for number in range(phrase.first - 1, max(-1, phrase.first - 7), -1):
            word = self._sentence.word(number)
            at = next((other for other in self._sentence.phrases if other.first <= number < other.last), None)
            meanings = at.meanings if at is not None else {}
            if "age" in meanings and age is None:
                age = meanings["age"]
                self._sentence.used.add(number)
            if "number" in meanings or (word.isdigit() and self._sentence.word(number + 1) not in _AGE_WORDS):
                value = int(meanings.get("number", word if len(word) < 3 else "0"))
                return (0 if phrase.plural and value == 1 else value), age, word
            if word in ("the", "this", "that", "his", "her", "their", "its", "'s", "both"):
                return count, age, word
            if word in BREAKS or word in _ENDS_OF_NOUNS or {"subject", "hold", "size", "group"} & meanings.keys():
                break
        return count, age, ""
