"""Rebuilds books from our ITCH file with parsers that nobody here wrote, and holds them against the engine's.

Usage: compare.py DIR [TYPES], where DIR has market.itch and books.csv (see dump.rs), and TYPES are message types that must be
in it.

itchfeed parses every message, and the book is made here in a dozen lines; meatpy parses and makes the book itself, and
refuses an execution of any order that is not first in the queue of its price.
"""

import csv
import datetime
import sys
from collections import defaultdict
from pathlib import Path

from itch.parser import MessageParser
from meatpy.itch50 import ITCH50MarketProcessor, ITCH50MessageReader


def points(path):
    """The engine's books: {messages: {symbol: {side: {price: (lots, orders)}}}}."""
    found = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            book = found.setdefault(int(row["messages"]), {}).setdefault(row["symbol"], {"B": {}, "S": {}})
            if row["side"] != "-":
                book[row["side"]][int(row["price"])] = (int(row["lots"]), int(row["orders"]))
    return found


def wrong(parser, at, symbol, side, theirs, ours):
    differing = [price for price in set(theirs) | set(ours) if theirs.get(price) != ours.get(price)]
    price = min(differing)
    sys.exit(
        f"{parser}: after message {at} {symbol} {side} at {price}: {theirs.get(price)}, "
        f"and in the engine {ours.get(price)}; {len(differing)} levels differ"
    )


def check_numbers(message):
    """Numbers are positive for readers of signed ones, and fit the 36 bits that some books have for them."""
    for name in ("order_reference_number", "new_order_reference_number", "match_number"):
        number = getattr(message, name, 0)
        assert 0 <= number < 1 << 36, f"{name} {number:#x}"


class Books:
    """Books by itchfeed's messages."""

    def __init__(self):
        self.orders = {}

    def apply(self, message):
        kind = message.message_type
        check_numbers(message)
        if kind in (b"A", b"F"):
            stock = message.stock.decode().strip()
            side = message.buy_sell_indicator.decode()
            assert message.order_reference_number not in self.orders
            self.orders[message.order_reference_number] = [stock, side, message.price, message.shares]
        elif kind in (b"E", b"C"):
            self.reduce(message.order_reference_number, message.executed_shares)
        elif kind == b"X":
            self.reduce(message.order_reference_number, message.cancelled_shares)
        elif kind == b"D":
            del self.orders[message.order_reference_number]
        elif kind == b"U":
            stock, side, _, _ = self.orders.pop(message.order_reference_number)
            new = message.new_order_reference_number
            self.orders[new] = [stock, side, message.price, message.shares]

    def reduce(self, order, shares):
        entry = self.orders[order]
        entry[3] -= shares
        assert entry[3] >= 0, f"order {order} loses more than it has"
        if entry[3] == 0:
            del self.orders[order]

    def levels(self, symbol, side):
        found = defaultdict(lambda: [0, 0])
        for stock, of_side, price, shares in self.orders.values():
            if stock == symbol and of_side == side:
                found[price][0] += shares
                found[price][1] += 1
        return {price: tuple(level) for price, level in found.items()}


def by_itchfeed(file, expected):
    books, equal = Books(), 0
    count, kinds = 0, set()
    with open(file, "rb") as stream:
        for count, message in enumerate(MessageParser().parse_file(stream), start=1):
            books.apply(message)
            kinds.add(message.message_type.decode())
            for symbol, sides in expected.get(count, {}).items():
                for side, ours in sides.items():
                    theirs = books.levels(symbol, side)
                    if theirs != ours:
                        wrong("itchfeed", count, symbol, side, theirs, ours)
                equal += 1
    return equal, count, kinds


def by_meatpy(file, expected):
    equal = 0
    symbols = {symbol for book in expected.values() for symbol in book}
    for symbol in sorted(symbols):
        processor = ITCH50MarketProcessor(symbol, datetime.datetime(2026, 1, 1))
        with ITCH50MessageReader(file) as reader:
            for count, message in enumerate(reader, start=1):
                processor.process_message(message)
                ours = expected.get(count, {}).get(symbol)
                if ours is None:
                    continue
                book = processor.current_lob
                for side, levels in (("B", book.bid_levels), ("S", book.ask_levels)):
                    theirs = {level.price: (level.volume, len(level.queue)) for level in levels}
                    if theirs != ours[side]:
                        wrong("meatpy", count, symbol, side, theirs, ours[side])
                equal += 1
    return equal


def main():
    folder = Path(sys.argv[1])
    expected = points(folder / "books.csv")
    equal, count, kinds = by_itchfeed(folder / "market.itch", expected)
    if missing := set("".join(sys.argv[2:])) - kinds:
        sys.exit(f"itchfeed found no message of type {', '.join(sorted(missing))}")
    if count < max(expected):
        sys.exit(f"itchfeed found {count} messages, the engine counted {max(expected)}")
    wanted = sum(len(book) for book in expected.values())
    also = by_meatpy(folder / "market.itch", expected)
    if (equal, also) != (wanted, wanted):
        sys.exit(f"{wanted} books were to be compared; itchfeed came to {equal}, meatpy to {also}")
    print(f"{equal + also}")


main()
