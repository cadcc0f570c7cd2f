"""Drives a real engine with nasdaq-protocols, a client by Nasdaq itself.

Usage: drive.py PATH-OF-DOJIMA [--record DIR]

Sends every message of OUCH 5.0 that clients send, has every message that the exchange sends decoded by the package and
encoded again, and compares the bytes; logs in, resumes, idles on heartbeats, is refused, gets drop copies, survives a restart of the
engine, and sees a session end and the next one begin. The layouts are those of ouch50.xml, written from docs/PROTOCOL.md.

--record writes every payload, sent or received, into the corpora of the fuzz targets (tests/fuzz/corpus).
"""

import asyncio
import contextlib
import datetime
import hashlib
import pathlib
import re
import signal
import struct
import subprocess
import sys
import tempfile

from nasdaq_protocols import soup
from nasdaq_protocols.ouch.codegen import generate

HERE = pathlib.Path(__file__).parent
PATIENCE = 20.0
MARKET = 0x7FFFFFFF
RECORD = None
checks = 0


def check(what, found, expected):
    global checks
    checks += 1
    if found != expected:
        raise AssertionError(f"{what}: found {found!r}, expected {expected!r}")


def load_messages():
    """The package's own classes for our XML."""
    directory = tempfile.mkdtemp()
    with contextlib.redirect_stdout(sys.stderr):
        arguments = ["--spec-file", str(HERE / "ouch50.xml"), "--app-name", "dojima", "--op-dir", directory]
        generate.main(arguments, standalone_mode=False)
    sys.path.insert(0, directory)
    import ouch_dojima

    return ouch_dojima


M = load_messages()

# Messages whose appendage, with its length, may be left out: (letter, bytes without it). The package cannot express that.
OPTIONAL_TAIL = {b"C": 18, b"D": 32, b"B": 36, b"J": 29, b"P": 13, b"I": 13, b"T": 30, b"M": 18, b"Q": 13}


def tag(number, value):
    return bytes([len(value) + 1, number]) + value


def u32(value):
    return struct.pack(">I", value)


def u64(value):
    return struct.pack(">Q", value)


def tags(*all_of_them):
    return list(b"".join(all_of_them))


def read_tags(data):
    found, at = {}, 0
    while at < len(data):
        size = data[at]
        found[data[at + 1]] = bytes(data[at + 2 : at + 1 + size])
        at += 1 + size
    return found


def record(kind, payload):
    if RECORD is None:
        return
    target = RECORD / kind
    target.mkdir(parents=True, exist_ok=True)
    # One of each letter and length is enough.
    name = f"recorded-{payload[0]:02x}-{len(payload)}"
    (target / name).write_bytes(payload)


# Where the length of the appendage stands in messages that always have one.
TAIL_AT = {b"A": 62, b"U": 66, b"E": 34, b"R": 14, b"X": 25, b"G": 17, b"K": 17, **OPTIONAL_TAIL}


def copy_of(payload, login, account):
    """The message as a drop copy of it must be: the same, with two tags more."""
    more = tag(142, u32(login)) + tag(143, u32(account))
    at = TAIL_AT[payload[:1]]
    tail = payload[at + 2 :] + more
    return payload[:at] + struct.pack(">H", len(tail)) + tail


class Told:
    """One message: its bytes, what the package made of them, and the tags that it could not express."""

    def __init__(self, payload):
        record("ouch_outbound", payload)
        fixed = OPTIONAL_TAIL.get(payload[:1], len(payload))
        self.payload, self.tail = payload, {}
        length, self.message = M.Message.from_bytes(payload[:fixed])
        check(f"bytes read of {payload.hex()}", length, min(fixed, len(payload)))
        check("encoded again", self.message.to_bytes()[1], payload[:fixed])
        if len(payload) > fixed:
            check("length of the appendage", int.from_bytes(payload[fixed : fixed + 2], "big"), len(payload) - fixed - 2)
            self.tail = read_tags(payload[fixed + 2 :])
        elif "tags" in self.message.BodyRecord.IndexedFields:
            self.tail = read_tags(self.message.tags)

    @property
    def kind(self):
        return self.payload[:1]

    def __getattr__(self, name):
        return getattr(self.message, name)

    def __repr__(self):
        return f"{type(self.message).__name__} {self.message.record.values} {self.tail}"


class Session(M.ClientSession):
    """The package's session; keeps the bytes of every message."""

    def decode(self, payload):
        return len(payload), Told(payload)


class Client:
    """One login, and everything that it was told."""

    def __init__(self, address, user):
        self.address, self.user = address, user
        self.told, self.session, self.number, self.name = [], None, 0, ""
        self.waiting = asyncio.Queue()

    async def connect(self, session_id="", sequence=1, **heartbeats):
        async def on_close():
            await self.waiting.put(None)

        def session(below):
            return Session(below, on_msg_coro=self.waiting.put, on_close_coro=on_close)

        self.session = await M.connect_async(
            self.address, self.user, "DEMO", session_id, sequence, session_factory=session, **heartbeats
        )
        self.name = self.session.soup_session.session_id.session
        return self

    def send(self, message):
        payload = message.to_bytes()[1]
        record("ouch_inbound", payload)
        self.session.send_message(message)

    def send_bytes(self, payload):
        record("ouch_inbound", payload)
        self.session.soup_session.send_unseq_data(payload)

    async def next(self):
        """The next message; None when the connection is closed."""
        told = await asyncio.wait_for(self.waiting.get(), PATIENCE)
        if told is not None:
            self.told.append(told.payload)
        return told

    async def expect(self, kind, **fields):
        told = await self.next()
        check(f"{self.user}'s next message ({told})", told and told.kind.decode(), kind)
        for name, value in fields.items():
            check(f"{name} of {told}", getattr(told, name), value)
        return told

    async def silence(self, seconds=0.3):
        await asyncio.sleep(seconds)
        check(f"messages that {self.user} was sent", self.waiting.qsize(), 0)

    async def close(self):
        await self.session.close()

    def next_number(self):
        self.number += 1
        return self.number

    def enter(self, side, quantity, price, *asked, tif="0", display="Y", symbol="BTC-USDT", number=None):
        order = M.EnterOrder()
        order.userRef = number or self.next_number()
        order.side, order.quantity, order.symbol, order.price = side, quantity, symbol, price
        order.timeInForce, order.display, order.capacity, order.iso, order.crossType = tif, display, "P", "N", "N"
        order.clOrdId = f"order {order.userRef}"
        order.tags = tags(*asked)
        self.send(order)
        return order.userRef

    def replace(self, original, quantity, price, *asked, tif="0", number=None):
        order = M.ReplaceOrder()
        order.origUserRef, order.userRef = original, number or self.next_number()
        order.quantity, order.price = quantity, price
        order.timeInForce, order.display, order.iso = tif, "Y", "N"
        order.clOrdId = f"order {order.userRef}"
        order.tags = tags(*asked)
        self.send(order)
        return order.userRef

    def cancel(self, number, quantity=0):
        order = M.CancelOrder()
        order.userRef, order.quantity = number, quantity
        self.send(order)

    def modify(self, number, side, quantity):
        order = M.ModifyOrder()
        order.userRef, order.side, order.quantity = number, side, quantity
        self.send(order)

    def of_login(self, kind, firm="    ", **fields):
        message = kind()
        message.userRef, message.firm = self.next_number(), firm
        for name, value in fields.items():
            setattr(message, name, value)
        self.send(message)
        return message.userRef


async def login_and_refusals(address):
    for user, password, session_id, reason in [
        ("ALICE", "WRONG", "", "NOT_AUTHORIZED"),
        ("NOBODY", "DEMO", "", "NOT_AUTHORIZED"),
        ("ALICE", "DEMO", "NOSESSION", "SESSION_NOT_AVAILABLE"),
    ]:
        try:
            await soup.connect_async(address, user, password, session_id)
        except ConnectionRefusedError as error:
            check(f"why {user} {session_id} is refused", reason in str(error), True)
        else:
            raise AssertionError(f"{user} {session_id} got in")


async def orders(alice, bob):
    """Accepted, replaced, made smaller, cancelled, traded."""
    told = await alice.expect("S", eventCode="S")
    check("the day starts now", 0 < told.timestamp < 86_400_000_000_000, True)
    await bob.expect("S", eventCode="S")

    one = alice.enter("B", 1000, 5_000_000, tag(2, b"LIME"), tag(12, b"P"))
    told = await alice.expect(
        "A", userRef=one, side="B", quantity=1000, symbol="BTC-USDT", price=5_000_000, timeInForce="0", display="Y",
        capacity="P", iso="N", crossType="N", orderState="L", clOrdId="order 1",
    )
    check("tags of Accepted", told.tail, {2: b"LIME", 12: b"P"})
    first = told.orderRef

    alice.enter("B", 1000, 5_000_000, number=one)
    await alice.silence()
    two = alice.replace(one, 900, 4_990_000)
    told = await alice.expect("U", origUserRef=one, userRef=two, quantity=900, price=4_990_000, side="B", orderState="L")
    check("a replaced order has a new number", told.orderRef > first, True)
    check("the firm is inherited", told.tail, {2: b"LIME"})
    alice.replace(one, 900, 4_990_000)
    await alice.silence()

    alice.cancel(two, 800)
    await alice.expect("C", userRef=two, quantity=100, reason="U")
    alice.modify(two, "B", 700)
    await alice.expect("M", userRef=two, side="B", quantity=700)
    alice.modify(two, "B", 900)
    alice.modify(two, "S", 600)
    alice.modify(999, "B", 600)
    alice.cancel(999)
    await alice.silence()

    # The forms that the package has no words for: with an appendage where there need not be one.
    alice.send_bytes(b"X" + u32(two) + u32(650) + b"\0\x03" + tag(28, b"\0"))
    await alice.expect("C", userRef=two, quantity=50, reason="U")
    alice.send_bytes(b"M" + u32(two) + b"B" + u32(600) + b"\0\x03" + tag(25, b"Y"))
    await alice.expect("M", userRef=two, side="B", quantity=600)

    # Bob sells into it: both are told, with the same match number.
    three = bob.enter("S", 250, 4_990_000, tif="3")
    await bob.expect("A", userRef=three)
    taker = await bob.expect("E", userRef=three, quantity=250, price=4_990_000, liquidityFlag="R")
    await alice.expect("E", userRef=two, quantity=250, price=4_990_000, liquidityFlag="A", matchNumber=taker.matchNumber)
    # A market order takes the rest, and what finds nothing is cancelled.
    four = bob.enter("S", 500, MARKET, tif="3")
    await bob.expect("A", userRef=four, price=MARKET)
    await bob.expect("E", userRef=four, quantity=350)
    await alice.expect("E", userRef=two, quantity=350)
    await bob.expect("C", userRef=four, quantity=150, reason="I")

    # Fill or kill, good till time, hidden.
    five = alice.enter("B", 100, 5_000_000, tag(3, u32(100)), tif="3")
    await alice.expect("A", userRef=five)
    await alice.expect("C", userRef=five, quantity=100, reason="I")
    expires = int(datetime.datetime.now(datetime.timezone.utc).timestamp()) + 86_400
    six = alice.enter("B", 100, 5_000_000, tag(15, u32(expires)), tif="6", display="N")
    told = await alice.expect("A", userRef=six, timeInForce="6", display="N")
    check("the time that it ends", told.tail, {15: u32(expires)})
    seven = bob.enter("S", 100, 5_000_000)
    await bob.expect("A", userRef=seven)
    await bob.expect("E", userRef=seven, liquidityFlag="R")
    await alice.expect("E", userRef=six, liquidityFlag="J")


async def rejections(alice):
    for reason, order in [
        (0x17, lambda: alice.enter("B", 100, 5_000_000, symbol="NOPE")),
        (0x2B, lambda: alice.enter("T", 100, 5_000_000)),
        (0x09, lambda: alice.enter("X", 100, 5_000_000)),
        (0x0F, lambda: alice.enter("B", 100, 5_000_000, tif="5")),
        (0x1D, lambda: alice.enter("B", 100, 0)),
        (0x13, lambda: alice.enter("B", 0, 5_000_000)),
        (0x20, lambda: alice.enter("B", 100_000_000, 2_000_000_000)),
        (0x31, lambda: alice.enter("B", 4_000_000_000, 5_000_000)),
        (0x04, lambda: alice.enter("B", 100, 5_000_000, tag(5, u32(101)))),
        (0x0D, lambda: alice.enter("B", 100, 5_000_000, tag(3, u32(101)))),
        (0x11, lambda: alice.enter("B", 100, 5_000_000, tag(6, b"M"))),
        (0x16, lambda: alice.enter("B", 100, 5_000_000, tag(14, b"SCAN"))),
        (0x1A, lambda: alice.enter("B", 100, 5_000_000, tag(4, b"R"))),
        (0x0A, lambda: alice.enter("B", 100, 5_000_000, b"\x09\x02LIME")),
        (0x0F, lambda: alice.enter("B", 100, 5_000_000, tag(200, b"x"))),
        (0x0F, lambda: alice.of_login(M.MassCancel, firm="LIME")),
        (0x17, lambda: alice.of_login(M.MassCancel, symbol="NOPE")),
    ]:
        number = order()
        await alice.expect("J", userRef=number, reason=reason)
    # A replace that cannot be accepted cancels the order; its number is not used up.
    one = alice.enter("B", 100, 5_000_000)
    await alice.expect("A", userRef=one)
    two = alice.replace(one, 100, 5_000_000, tag(6, b"M"))
    await alice.expect("C", userRef=one, quantity=100, reason="Z")
    alice.enter("B", 100, 5_000_000, number=two)
    await alice.expect("A", userRef=two)
    alice.cancel(two)
    await alice.expect("C", userRef=two, quantity=100, reason="U")


async def icebergs_and_own_trades(alice, bob):
    one = alice.enter("B", 300, 5_000_000, tag(5, u32(100)))
    told = await alice.expect("A", userRef=one)
    check("tags of an iceberg", told.tail, {5: u32(100)})
    two = bob.enter("S", 100, 5_000_000)
    await bob.expect("A", userRef=two)
    await bob.expect("E", userRef=two)
    await alice.expect("E", userRef=one, quantity=100)
    told = await alice.expect("R", userRef=one, reason="R")
    check("lots shown", told.tail[22], u32(100))
    # Bit 35 says that it is a slice, and bit 63 is free, so that the number is positive.
    check("a public number of the slice", (told.tail[1][0] & 0x80, told.tail[1][3] & 0x08), (0, 0x08))
    # Two slices in one order are one trade.
    three = bob.enter("S", 150, 5_000_000)
    await bob.expect("A", userRef=three)
    await bob.expect("E", userRef=three, quantity=150)
    await alice.expect("E", userRef=one, quantity=150)
    told = await alice.expect("R", userRef=one, reason="R")
    check("lots shown of the last slice", told.tail[22], u32(50))
    alice.cancel(one)
    await alice.expect("C", userRef=one, quantity=50, reason="U")

    # Orders of one owner: by the standard letters, and both cancelled by the private tag.
    for asked, resting, incoming in [
        ([tag(29, b"O")], "O", None),
        ([tag(29, b"W")], None, "W"),
        ([tag(29, b"D")], "D", "D"),
        ([tag(133, b"B")], "O", "W"),
    ]:
        maker = alice.enter("B", 50, 5_000_000)
        await alice.expect("A", userRef=maker)
        taker = alice.enter("S", 50, 5_000_000, *asked)
        await alice.expect("A", userRef=taker)
        prevented = dict(decrementShares=50, reason="Q", qtyPreventedFromTrading=50, executionPrice=5_000_000)
        if resting:
            await alice.expect("D", userRef=maker, liquidityFlag="A", aiqStrategy=resting, **prevented)
        if incoming:
            await alice.expect("D", userRef=taker, liquidityFlag="R", aiqStrategy=incoming, **prevented)
        for number, gone in [(maker, resting), (taker, incoming)]:
            if not gone:
                alice.cancel(number)
                await alice.expect("C", userRef=number, quantity=50, reason="U")


async def private_tags(alice, bob):
    # A stop that waits, and is released by a trade.
    stop = alice.enter("B", 10, 5_200_000, tag(128, u64(5_100_000)), tag(129, b"S"))
    told = await alice.expect("A", userRef=stop, price=5_200_000)
    check("what was not asked for is not told", told.tail, {})
    maker = bob.enter("S", 20, 5_100_000)
    await bob.expect("A", userRef=maker)
    taker = alice.enter("B", 5, 5_100_000)
    await alice.expect("A", userRef=taker)
    await bob.expect("E", userRef=maker, quantity=5)
    await alice.expect("E", userRef=taker, quantity=5)
    update = await alice.expect("T", userRef=stop, price=5_200_000, display="Y")
    check("the order keeps its number", update.orderRef > 0, True)
    await alice.expect("E", userRef=stop, quantity=10, price=5_100_000, liquidityFlag="R")
    await bob.expect("E", userRef=maker, quantity=10, price=5_100_000)
    # A price that is moved instead of an order that is refused.
    slid = alice.enter("B", 10, 5_100_000, tag(131, b"Y"))
    told = await alice.expect("A", userRef=slid, price=5_099_999)
    check("tags of a slid order", told.tail, {12: b"P", 131: b"Y"})
    bob.cancel(maker)
    await bob.expect("C", userRef=maker, quantity=5, reason="U")

    # Money instead of lots; 64 bits of lots; a link; a latest time; tags that contradict one another.
    money = bob.enter("S", 0, MARKET, tag(135, u64(1_000_000_000)), tif="3")
    await bob.expect("A", userRef=money)
    sold = await bob.expect("E", userRef=money, liquidityFlag="R")
    check("it sold something", 0 < sold.quantity <= 10, True)
    await alice.expect("E", userRef=slid, quantity=sold.quantity)
    while sold.kind != b"C":
        # What the money does not pay for any more, if anything is left.
        if sold.quantity == 10:
            break
        sold = await bob.next()
    wide = alice.enter("B", 0, 4_000_000, tag(136, u64(10)))
    await alice.expect("A", userRef=wide, quantity=10)
    linked = alice.enter("B", 10, 3_900_000, tag(138, u32(wide)))
    await alice.expect("A", userRef=linked)
    alice.cancel(linked, 5)
    await alice.expect("I", userRef=linked)
    alice.cancel(linked)
    await alice.expect("C", userRef=linked, quantity=10, reason="U")
    await alice.expect("C", userRef=wide, quantity=10, reason="Z")
    late = alice.enter("B", 10, 4_000_000, tag(137, u64(1)))
    await alice.expect("J", userRef=late, reason=0x0F)
    both = alice.enter("B", 5, 4_000_000, tag(136, u64(10)))
    await alice.expect("J", userRef=both, reason=0x0F)


async def logins(alice):
    """Mass cancel, order entry off and on, account query, dead-man's switch."""
    left = alice.of_login(M.MassCancel, symbol="")
    while (told := await alice.next()).kind != b"X":
        check("only cancels before the answer", told.kind, b"C")
    check("the answer", (told.userRef, told.symbol, told.tail), (left, "", {}))
    buys = [alice.enter("B", 10, price) for price in (4_000_000, 4_000_100)]
    sell = alice.enter("S", 10, 9_000_000)
    for number in (*buys, sell):
        await alice.expect("A", userRef=number)
    mass = alice.of_login(M.MassCancel, symbol="BTC-USDT", tags=tags(tag(27, b"B")))
    for number in buys:
        await alice.expect("C", userRef=number, quantity=10, reason="U")
    told = await alice.expect("X", userRef=mass, symbol="BTC-USDT")
    check("the side that it was for", told.tail, {27: b"B"})

    off = alice.of_login(M.DisableOrderEntry, firm="LIME")
    await alice.expect("G", userRef=off, firm="LIME")
    refused = alice.enter("B", 10, 4_000_000)
    await alice.expect("J", userRef=refused, reason=0x0C)
    refused = alice.replace(sell, 20, 9_000_000)
    await alice.expect("J", userRef=refused, reason=0x0C)
    alice.cancel(sell, 5)
    await alice.expect("C", userRef=sell, quantity=5, reason="U")
    on = alice.of_login(M.EnableOrderEntry, firm="LIME")
    await alice.expect("K", userRef=on, firm="LIME")

    alice.send_bytes(b"Q")
    told = await alice.expect("Q", nextUserRef=alice.number + 1)
    check("no switch", told.tail, {})
    query = M.AccountQuery()
    query.tags = tags(tag(140, u32(1_000)))
    alice.send(query)
    told = await alice.expect("Q", nextUserRef=alice.number + 1)
    check("the switch is on", int.from_bytes(told.tail[141], "big") > 1 << 60, True)
    await alice.expect("C", userRef=sell, quantity=5, reason="T")
    # A question whose tags make no sense is answered as if it had none.
    query.tags = tags(tag(200, b"x"))
    alice.send(query)
    await alice.expect("Q", nextUserRef=alice.number + 1)


def never_sent():
    """Messages that this exchange has no use for: the bytes of PROTOCOL.md, there and back."""
    time, order, trade = u64(1), u32(2), u64(3)
    for payload in [b"B" + time + order + trade + b"E" + b"text".ljust(14), b"P" + time + order]:
        Told(payload)


async def resume(address, before):
    """What was told once is told again, byte for byte, from any number on."""
    total = len(before.told)
    for sequence in (1, 2, total // 2, total):
        again = await Client(address, before.user).connect(before.name, sequence)
        check("the number of the next message", again.session.soup_session.sequence + 1 >= sequence, True)
        for number in range(sequence, total + 1):
            told = await again.next()
            check(f"message {number}", told.payload, before.told[number - 1])
        await again.silence(0.1)
        await again.close()


async def drop_copy(address, original):
    """Dave is sent what Alice was sent, byte for byte, and says whose it is."""
    dave = await Client(address, "DAVE").connect()
    await dave.expect("S", eventCode="S")
    for payload in original.told[1:]:
        told = await dave.next()
        check("a copy", told.payload, copy_of(payload, login=0, account=1))
        check("whose it is", (told.tail[142], told.tail[143]), (u32(0), u32(1)))
    await dave.silence(0.1)
    await dave.close()


async def heartbeats(address):
    """Nothing but heartbeats for longer than either side would bear silence."""
    closed = asyncio.Event()

    async def on_close():
        closed.set()

    session = await soup.connect_async(
        address, "BOB", "DEMO", sequence=0, on_close_coro=on_close, client_heartbeat_interval=1, server_heartbeat_interval=2
    )
    await asyncio.sleep(5)
    check("closed for silence", closed.is_set(), False)
    session.send_debug("this is passed over")
    session.send_unseq_data(b"Q")
    told = await asyncio.wait_for(session.receive_msg(), PATIENCE)
    check("still answered", told.data[:1], b"Q")
    session.logout()
    await asyncio.wait_for(closed.wait(), PATIENCE)


class Engine:
    """`dojima serve` on a data directory."""

    def __init__(self, program, directory, roll_at=None):
        # Of a venue with one shard: it answers a mass cancel once, and a number that was not used is free again.
        text = pathlib.Path(__file__).with_name("spot.toml").read_text()
        text = text.replace("segment_mib = 64", "segment_mib = 1").replace("orders_max = 1000000", "orders_max = 1000")
        text = text.replace("tick_interval_ms = 1000", "tick_interval_ms = 100")
        trader = 'username = "DAVE", password = "DEMO"'
        text = text.replace(trader, trader + ', role = "drop-copy", copies = ["alice"]')
        if roll_at:
            text = text.replace("[gateway]\n", f'[gateway]\nroll_at = "{roll_at}"\n', 1)
        config = directory / "dojima.toml"
        config.write_text(text)
        arguments = [program, "serve", "--config", config, "--data", directory / "data", "--listen", "127.0.0.1:0"]
        self.log = open(directory / "log", "a", encoding="utf-8")
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=self.log, text=True)
        for line in self.process.stdout:
            if match := re.match(r"order entry listening on (.*):(\d+)$", line.strip()):
                self.address = (match[1], int(match[2]))
                return
        raise AssertionError(f"the engine did not start: {(directory / 'log').read_text()}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)
        self.log.close()
        return self.process.returncode


async def trading_day(engine):
    await login_and_refusals(engine.address)
    alice = await Client(engine.address, "ALICE").connect()
    bob = await Client(engine.address, "BOB").connect()
    await orders(alice, bob)
    await rejections(alice)
    await icebergs_and_own_trades(alice, bob)
    await private_tags(alice, bob)
    await logins(alice)
    never_sent()
    seen = {payload[:1] for payload in alice.told + bob.told}
    check("kinds of messages that came", b"".join(sorted(seen)), b"ACDEGIJKMQRSTUX")
    await alice.close()
    await bob.close()
    await resume(engine.address, alice)
    await drop_copy(engine.address, alice)
    await heartbeats(engine.address)
    return alice


async def end_of_session(engine, before):
    """The day ends: E, End of Session, and the next session begins with S as message 1."""
    client = await Client(engine.address, before.user).connect(before.name, len(before.told) + 1)
    await client.expect("S", eventCode="E")
    check("what comes after the end", await client.next(), None)
    following = await Client(engine.address, before.user).connect()
    check("the next session's name", following.name, "DOJIMA0002")
    await following.expect("S", eventCode="S")
    number = following.enter("B", 100, 5_000_000)
    check("numbers start again", number, 1)
    await following.expect("A", userRef=1)
    following.cancel(1)
    await following.expect("C", userRef=1, reason="U")
    await following.close()


def main():
    global RECORD
    program, *rest = sys.argv[1:]
    if rest[:1] == ["--record"]:
        RECORD = pathlib.Path(rest[1])
    with tempfile.TemporaryDirectory(prefix="dojima-clients-") as directory:
        directory = pathlib.Path(directory)
        engine = Engine(program, directory)
        try:
            alice = asyncio.run(trading_day(engine))
        except BaseException:
            engine.process.kill()
            print((directory / "log").read_text(), file=sys.stderr)
            raise
        check("a clean stop", engine.stop(), 0)
        # The same data directory, with a session that ends in a few seconds.
        soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=10)
        engine = Engine(program, directory, roll_at=soon.strftime("%H:%M:%S"))
        try:
            asyncio.run(resume(engine.address, alice))
            asyncio.run(end_of_session(engine, alice))
        except BaseException:
            engine.process.kill()
            print((directory / "log").read_text(), file=sys.stderr)
            raise
        check("a clean stop", engine.stop(), 0)
    print(f"clients: {checks} checks passed")


if __name__ == "__main__":
    main()
