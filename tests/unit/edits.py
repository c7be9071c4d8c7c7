"""Awkward files with the shot at ``shots[0]``: what is set in it, and the text or the refusal that must come of it."""

from collections.abc import Mapping
from typing import NamedTuple

from storyboard.core.model import Json


class Edit(NamedTuple):
    """A file before and after."""

    name: str
    values: Mapping[str, Json]
    before: str
    after: str


class Refusal(NamedTuple):
    """A file that must not be edited, and a piece of the reason."""

    name: str
    values: Mapping[str, Json]
    before: str
    reason: str


SEED: Mapping[str, Json] = {"seed": 5}
TAKES: Mapping[str, Json] = {"takes": [11, 12]}
NO_SEED: Mapping[str, Json] = {"seed": None}

NEW_IN_BLOCK = [
    Edit("last line of the file", SEED, "shots:\n  - id: a\n", "shots:\n  - id: a\n    seed: 5\n"),
    Edit("no final newline", SEED, "shots:\n  - id: a", "shots:\n  - id: a\n    seed: 5"),
    Edit("list of seeds", TAKES, "shots:\n  - id: a\n", "shots:\n  - id: a\n    takes: [11, 12]\n"),
    Edit("truth", {"hold": True}, "shots:\n  - id: a\n", "shots:\n  - id: a\n    hold: true\n"),
    Edit("spaces at the end of the file", SEED, "shots:\n  - id: a\n   ", "shots:\n  - id: a\n    seed: 5\n   "),
    Edit("spaces behind the last value", SEED, "shots:\n  - id: a  \n", "shots:\n  - id: a  \n    seed: 5\n"),
    Edit("comment ends the file", SEED, "shots:\n  - id: a # x", "shots:\n  - id: a # x\n    seed: 5"),
    Edit(
        "blank lines and comments belong to the next shot",
        SEED,
        "shots:\n  - id: a # one\n\n  # about b\n  - id: b\n",
        "shots:\n  - id: a # one\n    seed: 5\n\n  # about b\n  - id: b\n",
    ),
    Edit(
        "comment in the column of the fields stays below",
        SEED,
        "shots:\n  - id: a\n    # seed: 4\n  - id: b\n",
        "shots:\n  - id: a\n    seed: 5\n    # seed: 4\n  - id: b\n",
    ),
    Edit(
        "deeper comment goes on with the value above",
        SEED,
        "shots:\n  - id: a  # a long\n           # story\n  - id: b\n",
        "shots:\n  - id: a  # a long\n           # story\n    seed: 5\n  - id: b\n",
    ),
    Edit(
        "deeper comment ends the file",
        SEED,
        "shots:\n  - id: a\n      # story",
        "shots:\n  - id: a\n      # story\n    seed: 5",
    ),
    Edit("list that is not indented", SEED, "shots:\n- id: a\n- id: b\n", "shots:\n- id: a\n  seed: 5\n- id: b\n"),
    Edit("wide indentation", SEED, "shots:\n    -   id: a\n", "shots:\n    -   id: a\n        seed: 5\n"),
    Edit("dash on its own line", SEED, "shots:\n  -\n   id: a\n", "shots:\n  -\n   id: a\n   seed: 5\n"),
    Edit("comment behind the dash", SEED, "shots:\n  - # c\n   id: a\n", "shots:\n  - # c\n   id: a\n   seed: 5\n"),
    Edit("dash in the first column", SEED, "shots:\n-\n id: a\n", "shots:\n-\n id: a\n seed: 5\n"),
    Edit(
        "folded text is last",
        SEED,
        "shots:\n  - prompt: >\n      A river,\n      at night.\n\n  - id: b\n",
        "shots:\n  - prompt: >\n      A river,\n      at night.\n    seed: 5\n\n  - id: b\n",
    ),
    Edit(
        "stripped text is last",
        SEED,
        "shots:\n  - prompt: >-\n      A river.\n\n\n",
        "shots:\n  - prompt: >-\n      A river.\n    seed: 5\n\n\n",
    ),
    Edit(
        "kept blank lines are a part of the text",
        SEED,
        "shots:\n  - prompt: |+\n      A river.\n\n\n  # b\n  - id: b\n",
        "shots:\n  - prompt: |+\n      A river.\n\n\n    seed: 5\n  # b\n  - id: b\n",
    ),
    Edit(
        "spaces deeper than the text are a part of it",
        SEED,
        "shots:\n  - prompt: |\n      A river.\n        \n\n  - id: b\n",
        "shots:\n  - prompt: |\n      A river.\n        \n\n    seed: 5\n  - id: b\n",
    ),
    Edit(
        "what looks like a comment is text",
        SEED,
        "shots:\n  - prompt: |\n      A river.\n      # no comment\n  # b\n",
        "shots:\n  - prompt: |\n      A river.\n      # no comment\n    seed: 5\n  # b\n",
    ),
    Edit(
        "comment below text with an indentation indicator",
        SEED,
        "shots:\n  - prompt: |2-\n       A river.\n     # c\n",
        "shots:\n  - prompt: |2-\n       A river.\n     # c\n    seed: 5\n",
    ),
    Edit(
        "text ends the file without newline",
        SEED,
        "shots:\n  - id: a\n    prompt: >\n      A river.",
        "shots:\n  - id: a\n    seed: 5\n    prompt: >\n      A river.",
    ),
    Edit(
        "text is the only field and ends the file",
        SEED,
        "shots:\n  - prompt: |\n      A river.",
        "shots:\n  - seed: 5\n    prompt: |\n      A river.",
    ),
    Edit(
        "plain text over several lines is last",
        SEED,
        "shots:\n  - prompt: A river,\n      at night\n      in May   # c\n  - id: b\n",
        "shots:\n  - prompt: A river,\n      at night\n      in May   # c\n    seed: 5\n  - id: b\n",
    ),
    Edit(
        "quoted text over several lines is last",
        SEED,
        "shots:\n  - prompt: 'A river,\n\n      # at night'\n  - id: b\n",
        "shots:\n  - prompt: 'A river,\n\n      # at night'\n    seed: 5\n  - id: b\n",
    ),
    Edit(
        "flow mapping over several lines is last",
        SEED,
        "shots:\n  - first_frame: {\n      shot: b,  # c\n    }  # d\n  - id: b\n",
        "shots:\n  - first_frame: {\n      shot: b,  # c\n    }  # d\n    seed: 5\n  - id: b\n",
    ),
    Edit(
        "block mapping is last",
        SEED,
        "shots:\n  - first_frame:\n      shot: b\n      at: last\n\n  - id: b\n",
        "shots:\n  - first_frame:\n      shot: b\n      at: last\n    seed: 5\n\n  - id: b\n",
    ),
    Edit(
        "block list in the column of the fields is last",
        SEED,
        "shots:\n  - tags:\n    - x\n    - y\n      # no z\n  - id: b\n",
        "shots:\n  - tags:\n    - x\n    - y\n      # no z\n    seed: 5\n  - id: b\n",
    ),
    Edit(
        "nested blocks are last",
        SEED,
        "shots:\n  - params:\n      a:\n        - b:\n            - |\n              c\n\n  - id: b\n",
        "shots:\n  - params:\n      a:\n        - b:\n            - |\n              c\n    seed: 5\n\n  - id: b\n",
    ),
    Edit(
        "empty value is last", SEED, "shots:\n  - notes:\n  - id: b\n", "shots:\n  - notes:\n    seed: 5\n  - id: b\n"
    ),
    Edit(
        "empty value with a comment is last",
        SEED,
        "shots:\n  - notes:   # none\n  - id: b\n",
        "shots:\n  - notes:   # none\n    seed: 5\n  - id: b\n",
    ),
    Edit(
        "empty item is last",
        SEED,
        "shots:\n  - tags:\n    - x\n    -\n",
        "shots:\n  - tags:\n    - x\n    -\n    seed: 5\n",
    ),
    Edit("empty item ends the file", SEED, "shots:\n  - t:\n    - # c", "shots:\n  - t:\n    - # c\n    seed: 5"),
    Edit("alias is last", SEED, "v: &v x\nshots:\n  - prompt: *v\n", "v: &v x\nshots:\n  - prompt: *v\n    seed: 5\n"),
    Edit("keys in double quotes", SEED, 'shots:\n  - "id": a\n', 'shots:\n  - "id": a\n    "seed": 5\n'),
    Edit("keys in single quotes", SEED, "shots:\n  - 'id': a\n", "shots:\n  - 'id': a\n    'seed': 5\n"),
    Edit(
        "some keys in quotes", SEED, "shots:\n  - 'id': a\n    n: b\n", "shots:\n  - 'id': a\n    n: b\n    seed: 5\n"
    ),
    Edit("explicit key", SEED, "shots:\n  - ? id\n    : a\n", "shots:\n  - ? id\n    : a\n    seed: 5\n"),
    Edit("explicit key without value", SEED, "shots:\n  - ? notes\n", "shots:\n  - ? notes\n    seed: 5\n"),
    Edit("key with an anchor", SEED, "shots:\n  - &k id: a\n", "shots:\n  - &k id: a\n    seed: 5\n"),
    Edit("key that is an alias", SEED, "k: &k id\nshots:\n  - *k : a\n", "k: &k id\nshots:\n  - *k : a\n    seed: 5\n"),
    Edit("shot with an anchor", SEED, "shots:\n  - &a\n    id: a\n", "shots:\n  - &a\n    id: a\n    seed: 5\n"),
    Edit(
        "comment behind the anchor",
        SEED,
        "shots:\n  - &a # c\n    id: a\n",
        "shots:\n  - &a # c\n    id: a\n    seed: 5\n",
    ),
    Edit(
        "emoji before and inside",
        SEED,
        "# 🎬🎬\nshots:\n  - id: '🌴é'\n",
        "# 🎬🎬\nshots:\n  - id: '🌴é'\n    seed: 5\n",
    ),
    Edit("document markers", SEED, "---\nshots:\n  - id: a\n...\n", "---\nshots:\n  - id: a\n    seed: 5\n...\n"),
    Edit("directive", SEED, "%YAML 1.2\n---\nshots:\n  - id: a\n", "%YAML 1.2\n---\nshots:\n  - id: a\n    seed: 5\n"),
    Edit(
        "only this shot breaks lines like Windows",
        SEED,
        "shots:\n  - id: a\r\n  - id: b\n",
        "shots:\n  - id: a\r\n    seed: 5\r\n  - id: b\n",
    ),
    Edit(
        "only this shot breaks lines like Unix",
        SEED,
        "shots:\r\n  - id: a\n  - id: b\r\n",
        "shots:\r\n  - id: a\n    seed: 5\n  - id: b\r\n",
    ),
    Edit(
        "lines of an old Macintosh", SEED, "shots:\r  - id: a\r  - id: b", "shots:\r  - id: a\r    seed: 5\r  - id: b"
    ),
    Edit("Windows without final newline", SEED, "shots:\r\n  - id: a", "shots:\r\n  - id: a\r\n    seed: 5"),
    Edit("byte order mark", SEED, "\ufeffshots:\n  - id: a\n", "\ufeffshots:\n  - id: a\n    seed: 5\n"),
    Edit("scene follows", SEED, "shots:\n  - id: a\n\ntitle: x\n", "shots:\n  - id: a\n    seed: 5\n\ntitle: x\n"),
]

NEW_IN_FLOW = [
    Edit("one line", SEED, "shots:\n  - {id: a, prompt: b}\n", "shots:\n  - {id: a, prompt: b, seed: 5}\n"),
    Edit("padding stays", SEED, "shots:\n  - { id: a }  # c\n", "shots:\n  - { id: a, seed: 5 }  # c\n"),
    Edit("trailing comma stays", SEED, "shots: [{id: a, }]\n", "shots: [{id: a, seed: 5, }]\n"),
    Edit("nothing in it", SEED, "shots: [{}]\n", "shots: [{seed: 5}]\n"),
    Edit("nothing but blanks in it", SEED, "shots: [{ }]\n", "shots: [{seed: 5 }]\n"),
    Edit("list of seeds in flow", TAKES, "shots: [{id: a}]", "shots: [{id: a, takes: [11, 12]}]"),
    Edit("mapping is last", SEED, "shots: [{f: {shot: b}}]\n", "shots: [{f: {shot: b}, seed: 5}]\n"),
    Edit("value is missing", SEED, "shots: [{id: a, notes}]\n", "shots: [{id: a, notes, seed: 5}]\n"),
    Edit(
        "value is missing behind the colon",
        SEED,
        "shots: [{id: a, notes: }]\n",
        "shots: [{id: a, notes: , seed: 5 }]\n",
    ),
    Edit(
        "quoted brace", SEED, "shots: [{id: a, prompt: '}, x: {'}]\n", "shots: [{id: a, prompt: '}, x: {', seed: 5}]\n"
    ),
    Edit("quoted keys", SEED, '{"shots": [{"id":"a"}]}', '{"shots": [{"id":"a", "seed": 5}]}'),
    Edit("flow with an anchor", SEED, "shots: [&a {id: a}, {id: b}]\n", "shots: [&a {id: a, seed: 5}, {id: b}]\n"),
    Edit("emoji in flow", SEED, "shots: [{id: 🎬, t: 🌴}] # 🎬\n", "shots: [{id: 🎬, t: 🌴, seed: 5}] # 🎬\n"),
    Edit(
        "line for each field",
        SEED,
        "shots: [\n  {\n    id: a,\n    prompt: b\n  },\n]\n",
        "shots: [\n  {\n    id: a,\n    prompt: b,\n    seed: 5\n  },\n]\n",
    ),
    Edit(
        "line for each field and a trailing comma",
        SEED,
        "shots:\n  - {\n    id: a,\n    prompt: b,  \n  }\n",
        "shots:\n  - {\n    id: a,\n    prompt: b,\n    seed: 5,  \n  }\n",
    ),
    Edit(
        "comment behind the last field",
        SEED,
        "shots:\n  - {\n    id: a,\n    prompt: b  # c, d\n  }\n",
        "shots:\n  - {\n    id: a,\n    prompt: b,  # c, d\n    seed: 5\n  }\n",
    ),
    Edit(
        "comment behind the trailing comma",
        SEED,
        "shots:\n  - {\n    id: a,\n    prompt: b,  # c, d\n  }\n",
        "shots:\n  - {\n    id: a,\n    prompt: b,  # c, d\n    seed: 5,\n  }\n",
    ),
    Edit(
        "brace behind the last field",
        SEED,
        "shots:\n  - {id: a,\n     prompt: b }\n",
        "shots:\n  - {id: a,\n     prompt: b,\n     seed: 5 }\n",
    ),
    Edit(
        "one field on several lines",
        SEED,
        "shots:\n  - {id: a, prompt: b\n      c  # d\n    }\n",
        "shots:\n  - {id: a, prompt: b\n      c, seed: 5  # d\n    }\n",
    ),
    Edit(
        "comma first",
        SEED,
        "shots:\n  - { id: a\n    , prompt: b\n    }\n",
        "shots:\n  - { id: a\n    , prompt: b, seed: 5\n    }\n",
    ),
    Edit(
        "json indented by tabs",
        SEED,
        '{\n\t"shots": [\n\t\t{\n\t\t\t"id": "a"\n\t\t}\n\t]\n}\n',
        '{\n\t"shots": [\n\t\t{\n\t\t\t"id": "a",\n\t\t\t"seed": 5\n\t\t}\n\t]\n}\n',
    ),
]

REPLACED = [
    Edit("plain value", SEED, "shots:\n  - seed: 4\n    id: a\n", "shots:\n  - seed: 5\n    id: a\n"),
    Edit("comment behind the value", SEED, "shots:\n  - seed: 4  # why\n", "shots:\n  - seed: 5  # why\n"),
    Edit("spaces around the value", SEED, "shots:\n  - seed:    4   \n", "shots:\n  - seed:    5   \n"),
    Edit("same value in another notation", SEED, "shots:\n  - seed: 0x5\n", "shots:\n  - seed: 0x5\n"),
    Edit("same number, but text", SEED, "shots:\n  - seed: '5'\n", "shots:\n  - seed: 5\n"),
    Edit("same number, but with a point", SEED, "shots:\n  - seed: 5.0\n", "shots:\n  - seed: 5\n"),
    Edit("one is not true", {"hold": True}, "shots:\n  - hold: 1\n", "shots:\n  - hold: true\n"),
    Edit("true to false", {"hold": False}, "shots:\n  - hold: TRUE # c\n", "shots:\n  - hold: false # c\n"),
    Edit("empty value", SEED, "shots:\n  - seed:\n    id: a\n", "shots:\n  - seed: 5\n    id: a\n"),
    Edit("empty value and a comment", SEED, "shots:\n  - seed:  # c\n", "shots:\n  - seed: 5  # c\n"),
    Edit("empty value ends the file", SEED, "shots:\n  - seed:", "shots:\n  - seed: 5"),
    Edit("empty value with an anchor", SEED, "shots:\n  - seed: &s\n", "shots:\n  - seed: &s 5\n"),
    Edit("empty value in flow", SEED, "shots: [{seed: , id: a}]\n", "shots: [{seed: 5 , id: a}]\n"),
    Edit("key alone in flow", SEED, "shots: [{seed, id: a}]\n", "shots: [{seed: 5, id: a}]\n"),
    Edit("null", SEED, "shots:\n  - seed: ~\n", "shots:\n  - seed: 5\n"),
    Edit("quoted key", SEED, 'shots:\n  - "seed": 4\n', 'shots:\n  - "seed": 5\n'),
    Edit("quoted key without space", SEED, 'shots: [{"seed":4}]\n', 'shots: [{"seed":5}]\n'),
    Edit("value in quotes", SEED, 'shots:\n  - seed: "4" # c\n', "shots:\n  - seed: 5 # c\n"),
    Edit(
        "value on the next line", SEED, "shots:\n  - seed:  # c\n      4 # d\n", "shots:\n  - seed:  # c\n      5 # d\n"
    ),
    Edit("value with an anchor nobody uses", SEED, "shots:\n  - seed: &s 4\n", "shots:\n  - seed: &s 5\n"),
    Edit("alias", SEED, "x-s: &s 4\nshots:\n  - seed: *s # c\n", "x-s: &s 4\nshots:\n  - seed: 5 # c\n"),
    Edit("explicit value", SEED, "shots:\n  - ? seed\n    : 4\n", "shots:\n  - ? seed\n    : 5\n"),
    Edit(
        "text over several lines",
        SEED,
        "shots:\n  - seed: a\n      b # c\n    id: a\n",
        "shots:\n  - seed: 5 # c\n    id: a\n",
    ),
    Edit("block of text", SEED, "shots:\n  - seed: |\n      4\n\n    id: a\n", "shots:\n  - seed: 5\n\n    id: a\n"),
    Edit(
        "other shots are alike",
        SEED,
        "x: {seed: 4}\nshots: [{seed: 4}, {seed: 4}]\n",
        "x: {seed: 4}\nshots: [{seed: 5}, {seed: 4}]\n",
    ),
    Edit("old Macintosh", SEED, "shots:\r  - seed: 4\r    id: a\r", "shots:\r  - seed: 5\r    id: a\r"),
]

LISTS = [
    Edit("item is added in flow", TAKES, "shots: [{takes: [11] }]\n", "shots: [{takes: [11, 12] }]\n"),
    Edit("item is added behind blanks", TAKES, "shots: [{takes: [ 11 ]}]\n", "shots: [{takes: [ 11, 12 ]}]\n"),
    Edit("item is put in front", TAKES, "shots: [{takes: [12]}]\n", "shots: [{takes: [11, 12]}]\n"),
    Edit("item is put between", {"takes": [1, 2, 3]}, "shots: [{takes: [1,3,]}]\n", "shots: [{takes: [1, 2,3,]}]\n"),
    Edit("first item goes", TAKES, "shots: [{takes: [9, 11, 12]}]\n", "shots: [{takes: [11, 12]}]\n"),
    Edit("middle item goes", TAKES, "shots: [{takes: [11, 9, 12]}]\n", "shots: [{takes: [11, 12]}]\n"),
    Edit("last items go", TAKES, "shots: [{takes: [11, 12, 9, 8, ]}]\n", "shots: [{takes: [11, 12, ]}]\n"),
    Edit("items change in place", TAKES, "shots: [{takes: [0xa, 12]}]\n", "shots: [{takes: [11, 12]}]\n"),
    Edit("item that stays keeps its notation", TAKES, "shots: [{takes: [0xb]}]\n", "shots: [{takes: [0xb, 12]}]\n"),
    Edit("empty list", TAKES, "shots: [{takes: [ ]}]\n", "shots: [{takes: [11, 12]}]\n"),
    Edit("all items go", {"takes": []}, "shots:\n  - takes:\n      - 11\n", "shots:\n  - takes:\n      []\n"),
    Edit("single value", TAKES, "shots:\n  - takes: 11 # c\n", "shots:\n  - takes: [11, 12] # c\n"),
    Edit(
        "alias of a list", TAKES, "x-t: &t [1]\nshots:\n  - takes: *t\n", "x-t: &t [1]\nshots:\n  - takes: [11, 12]\n"
    ),
    Edit(
        "item that is an alias",
        TAKES,
        "x-t: &t 1\nshots:\n  - takes: [*t]\n",
        "x-t: &t 1\nshots:\n  - takes: [11, 12]\n",
    ),
    Edit("one item to one value", {"takes": 4}, "shots:\n  - takes:\n      - 11\n", "shots:\n  - takes:\n      4\n"),
    Edit(
        "items on lines of their own",
        TAKES,
        "shots:\n  - takes: [\n      11\n    ]\n",
        "shots:\n  - takes: [\n      11,\n      12\n    ]\n",
    ),
    Edit(
        "comments beside items in flow",
        {"takes": [11, 12, 14]},
        "shots:\n  - takes: [\n      11,  # bright\n      13,  # dark\n      14  # best\n    ]\n",
        "shots:\n  - takes: [\n      11,  # bright\n      12,  # dark\n      14  # best\n    ]\n",
    ),
    Edit(
        "first item with a comment goes",
        TAKES,
        "shots:\n  - takes: [\n      9, # x\n      11, 12]\n",
        "shots:\n  - takes: [\n      # x\n      11, 12]\n",
    ),
    Edit(
        "last item with a comment goes",
        TAKES,
        "shots:\n  - takes: [\n      11, # a\n      12, # b\n      9 # c\n    ]\n",
        "shots:\n  - takes: [\n      11, # a\n      12 # b\n      # c\n    ]\n",
    ),
    Edit(
        "last item behind comments goes",
        TAKES,
        "shots:\n  - takes: [\n      11, # a\n      12, # b\n      9\n    ]\n",
        "shots:\n  - takes: [\n      11, # a\n      12 # b\n    ]\n",
    ),
    Edit(
        "last item with its comma goes",
        TAKES,
        "shots:\n  - takes: [\n      11, # a\n      12, # b\n      9,\n    ]\n",
        "shots:\n  - takes: [\n      11, # a\n      12, # b\n    ]\n",
    ),
    Edit(
        "comma behind a comment",
        TAKES,
        "shots:\n  - takes: [ 9 # x\n      , 11, 12 ]\n",
        "shots:\n  - takes: [  # x\n       11, 12 ]\n",
    ),
    Edit(
        "block list grows",
        TAKES,
        "shots:\n  - takes:  # seeds\n      - 11  # bright\n      # next\n    id: a\n",
        "shots:\n  - takes:  # seeds\n      - 11  # bright\n      - 12\n      # next\n    id: a\n",
    ),
    Edit(
        "block list ends the file",
        {"takes": [11, 12, 13]},
        "shots:\n  - takes:\n    -   11\n    -   12",
        "shots:\n  - takes:\n    -   11\n    -   12\n    - 13",
    ),
    Edit(
        "block list shrinks and keeps comments",
        TAKES,
        "shots:\n  - takes:\n    - 11 # bright\n    - 9  # dark\n    - 12\n",
        "shots:\n  - takes:\n    - 11 # bright\n    # dark\n    - 12\n",
    ),
    Edit(
        "block list loses its first and last",
        TAKES,
        "shots:\n  - takes:\n    - 9\n    - 11\n    - 12\n    - 8",
        "shots:\n  - takes:\n    - 11\n    - 12",
    ),
    Edit(
        "block list changes in place",
        TAKES,
        "shots:\n  - takes:\n     - '11' # a\n     -\n     # end\n",
        "shots:\n  - takes:\n     - 11 # a\n     - 12\n     # end\n",
    ),
]

TAKEN_OUT = [
    Edit("last field", NO_SEED, "shots:\n  - id: a\n    seed: 5\n  - id: b\n", "shots:\n  - id: a\n  - id: b\n"),
    Edit("field that is not there", NO_SEED, "shots:\n  - id: a\n", "shots:\n  - id: a\n"),
    Edit("null field", NO_SEED, "shots:\n  - id: a\n    seed:\n", "shots:\n  - id: a\n"),
    Edit("ends the file", NO_SEED, "shots:\n  - id: a\n    seed: 5", "shots:\n  - id: a"),
    Edit("first field", NO_SEED, "shots:\n  - seed: 5\n    id: a\n", "shots:\n  - id: a\n"),
    Edit("first field with a comment", NO_SEED, "shots:\n  - seed: 5 # c\n    id: a\n", "shots:\n  - # c\n    id: a\n"),
    Edit("first field below its dash", NO_SEED, "shots:\n  -\n    seed: 5\n    id: a\n", "shots:\n  -\n    id: a\n"),
    Edit("middle field", NO_SEED, "shots:\n  - id: a\n    seed: 5\n    n: b\n", "shots:\n  - id: a\n    n: b\n"),
    Edit("comment stays", NO_SEED, "shots:\n  - id: a\n    seed: 5  # nice!\n", "shots:\n  - id: a\n    # nice!\n"),
    Edit("comment at the end stays", NO_SEED, "shots:\n  - id: a\n    seed: 5 # c", "shots:\n  - id: a\n    # c"),
    Edit(
        "comments around stay",
        NO_SEED,
        "shots:\n  - id: a\n    # s\n    seed: 5\n\n    # t\n",
        "shots:\n  - id: a\n    # s\n\n    # t\n",
    ),
    Edit("explicit key goes", NO_SEED, "shots:\n  - id: a\n    ? seed\n    : 5\n", "shots:\n  - id: a\n"),
    Edit("explicit key at the dash", NO_SEED, "shots:\n  - ? seed\n    : 4\n    id: b\n", "shots:\n  - id: b\n"),
    Edit("empty item before is kept", NO_SEED, "shots:\n  - t:\n    - # c\n    seed: 5", "shots:\n  - t:\n    - # c"),
    Edit("value on the next line goes", NO_SEED, "shots:\n  - id: a\n    seed:\n      5\n", "shots:\n  - id: a\n"),
    Edit(
        "text before keeps its newline",
        NO_SEED,
        "shots:\n  - p: |\n      a\n    seed: 5",
        "shots:\n  - p: |\n      a\n",
    ),
    Edit("in flow at the end", NO_SEED, "shots: [{id: a , seed: 5 }]\n", "shots: [{id: a }]\n"),
    Edit("in flow at the start", NO_SEED, "shots: [{ seed: 5 , id: a}]\n", "shots: [{ id: a}]\n"),
    Edit("in flow in the middle", NO_SEED, "shots: [{id: a, seed: 5, n: b}]\n", "shots: [{id: a, n: b}]\n"),
    Edit("in flow alone", NO_SEED, "shots: [{ seed: 5 }]\n", "shots: [{  }]\n"),
    Edit("in flow alone with a comma", NO_SEED, "shots: [{ seed: 5, }]\n", "shots: [{ }]\n"),
    Edit("in flow without value", NO_SEED, "shots: [{id: a, seed}]\n", "shots: [{id: a}]\n"),
    Edit(
        "block list with comments",
        {"takes": None},
        "shots:\n  - id: a\n    takes: # t\n    # s\n    - 11 # b\n    - 12\n    # e\n    n: b\n",
        "shots:\n  - id: a\n    # t\n    # s\n    # b\n    # e\n    n: b\n",
    ),
    Edit(
        "flow list with comments",
        {"takes": None},
        "shots:\n  - id: a\n    takes: [ # t\n      '#', 12, # b\n    ]\n    n: b\n",
        "shots:\n  - id: a\n    # t\n    # b\n    n: b\n",
    ),
    Edit(
        "block of text with a comment in its head",
        {"notes": None},
        "shots:\n  - id: a\n    notes: >- # head\n      # text\n\n  - id: b\n",
        "shots:\n  - id: a\n    # head\n\n  - id: b\n",
    ),
    Edit(
        "line of a flow mapping",
        NO_SEED,
        "shots:\n  - {\n    id: a, # c\n    seed: 5, # d\n    n: b\n  }\n",
        "shots:\n  - {\n    id: a, # c\n    # d\n    n: b\n  }\n",
    ),
]

EDITS = [*NEW_IN_BLOCK, *NEW_IN_FLOW, *REPLACED, *LISTS, *TAKEN_OUT]

OTHERS = "the edit would change other values of the file"
UNREADABLE = "the file would not be valid YAML after the edit"
REFUSALS = [
    Refusal(
        "shot is an alias",
        SEED,
        "x-a: &a {id: a}\nshots:\n  - *a\n",
        "the alias `*a` refers to text in another place of the file",
    ),
    Refusal(
        "list of shots is an alias",
        SEED,
        "x-a: &a [{id: a}]\nshots: *a\n",
        "the alias `*a` refers to text in another place of the file",
    ),
    Refusal("shot is used elsewhere", SEED, "shots:\n  - &a\n    id: a\n  - *a\n", OTHERS),
    Refusal("shot in flow is used elsewhere", SEED, "shots: [&a {id: a}, *a]\n", OTHERS),
    Refusal("value is used elsewhere", SEED, "shots:\n  - seed: &s 4\n  - seed: *s\n", OTHERS),
    Refusal(
        "value that goes is used elsewhere", NO_SEED, "shots:\n  - id: a\n    seed: &s 4\n  - seed: *s\n", UNREADABLE
    ),
    Refusal("item is used elsewhere", TAKES, "shots:\n  - takes: [&s 9, 12]\n  - seed: *s\n", UNREADABLE),
    Refusal("key is used elsewhere", NO_SEED, "shots:\n  - id: a\n    &k seed: 4\n  - title: *k\n", UNREADABLE),
    Refusal("anchor means another value then", NO_SEED, "x: &s 1\nshots: [{id: a, seed: &s 2}]\ny: *s\n", OTHERS),
    Refusal("last field of a block", NO_SEED, "shots:\n  - seed: 4\n  - id: b\n", OTHERS),
    Refusal(
        "comment inside a flow list",
        {"takes": None},
        "shots: [{id: a, takes: [ # c\n 1]}]\n",
        "the edit would delete a comment",
    ),
    Refusal(
        "comment inside the list",
        {"takes": 5},
        "shots:\n  - takes: [1, # c\n     2]\n",
        "the edit would delete a comment",
    ),
    Refusal(
        "comment in the head of text", SEED, "shots:\n  - seed: > # c\n      4\n", "the edit would delete a comment"
    ),
    Refusal("list in the column of its key", {"takes": 5}, "shots:\n  - takes:\n    - 5\n", UNREADABLE),
    Refusal("blank lines would join kept text", NO_SEED, "shots:\n  - p: |+\n      a\n    seed: 5\n\n", OTHERS),
    Refusal("repeated key", SEED, "shots:\n  - id: a\n    id: b\n", "line 3: the key `id` is repeated"),
    Refusal("repeated key elsewhere", SEED, "shots:\n  - id: a\nx: 1\nx: 2\n", "the file has an error: line 4"),
    Refusal("merge key", SEED, "x: &x {id: a}\nshots:\n  - <<: *x\n", "merge keys (`<<`) are not part of YAML 1.2"),
    Refusal("not yaml", SEED, "shots: [{id: a}\n", "the file has an error: line 1"),
    Refusal("empty file", SEED, "", "the file is empty"),
    Refusal("two documents", SEED, "shots: [{id: a}]\n---\nb: c\n", "a second document begins here"),
    Refusal("tab in the indentation", SEED, "shots:\n  - id: a\n\tn: b\n", "the file has an error: line 3"),
    Refusal("control character", SEED, "shots: [{id: a}] # \x07\n", "U+0007"),
    Refusal("shot is a text", SEED, "shots: [a]\n", "the file has no shot at this place"),
    Refusal("shot is a list", SEED, "shots: [[a]]\n", "the file has no shot at this place"),
    Refusal(
        "field that would not be read as text",
        {"a: b": 1},
        "shots:\n  - id: a\n",
        "`a: b` of this shot cannot be changed",
    ),
]
