//! What a message costs on the wire: from a client's bytes to a command, from an event to a packet, and both ends of a client.
//!
//! One thread, messages in memory one after the other as they stand in a socket's buffer: 60 % orders, 30 % cancels, 10 %
//! replaces, with every eighth order carrying three tags, and their answers. The floor is copying the same bytes, one
//! message at a time, in the same run. `cargo bench --bench wire` measures; `cargo test --bench wire` runs the same code small
//! and holds the digest of all that was made against a known one.

use dojima::client::ClientMessage;
use dojima::domain::audience::{Address, Part};
use dojima::domain::{
    Accepted, AccountId, AdminEvent, Amount, CancelReason, Canceled, ClOrdId, Command, Echo, Event,
    EventRecord, Executed, InstrumentId, Listing, Listings, LoginId, OrderCommand, OrderEvent, OrderId,
    OrderTerms, Price, Quantity, Replaced, Side, Symbol, Timestamp, TradeId, UserRef, codec,
};
use dojima::wire::ouch::{
    Appendage, CancelOrder, EnterOrder, Inbound, LoggedIn, Outbound, ReplaceOrder, SEQUENCED_LEN_MAX,
    encode_sequenced, to_command,
};
use dojima::wire::soup::{self, frame, kind};
use sha2::{Digest, Sha256};
use std::hint::black_box;
use std::time::Instant;

const MESSAGES_FULL: usize = 200_000;
const ROUNDS_FULL: usize = 40;
const MESSAGES_SMALL: usize = 2_000;

/// First 8 bytes of the SHA-256 over the commands and packets of the small run.
const DIGEST_SMALL: &str = "5deaa62f15b3be11";

const LOGIN: LoginId = LoginId(3);
const FROM: LoggedIn = LoggedIn { login: LOGIN, session: 0, account: AccountId(1) };
const SYMBOL: Symbol = Symbol(*b"BTC-USDT");

fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let (messages, rounds) = if full { (MESSAGES_FULL, ROUNDS_FULL) } else { (MESSAGES_SMALL, 2) };
    let listings = listings();
    let requests = requests(messages);
    let events = events(messages);

    let mut hash = Sha256::new();
    let packets = check(&requests, &events, &listings, messages, &mut hash);
    let digest: String = hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{messages} messages each way, {rounds} rounds, digest {digest}");
    if !full {
        assert_eq!(digest, DIGEST_SMALL, "other commands or packets than they were");
    }

    let mut measured = Measured { messages, rounds, floor: 0.0 };
    measured.floor("copy a request", &requests);
    measured.run("request -> command", || {
        let mut rest = &requests[..];
        while let Ok(Some((packet, used))) = frame(rest, 4096) {
            let message = Inbound::decode(packet.payload).expect("a request");
            black_box(to_command(FROM, &message, &listings));
            rest = &rest[used..];
        }
    });
    let mut out = [0; 128];
    let mut made = Vec::with_capacity(requests.len() + 256);
    measured.run("request bytes, by the client", || {
        made.clear();
        for number in 1..=messages {
            let request = plain(number);
            let len = request.encode(&mut out).expect("fits");
            soup::push_packet(kind::UNSEQUENCED, &out[..len], &mut made).expect("fits");
        }
        black_box(&made);
    });
    measured.floor("copy an answer", &packets);
    let mut packet = [0; SEQUENCED_LEN_MAX];
    measured.run("event -> packet", || {
        for (record, to) in &events {
            black_box(encode_sequenced(record, *to, &listings, &mut packet).expect("a message"));
            black_box(&packet);
        }
    });
    measured.run("packet -> message, by the client", || {
        let mut rest = &packets[..];
        while let Ok(Some((packet, used))) = frame(rest, 4096) {
            black_box(Outbound::decode(packet.payload).expect("an answer"));
            rest = &rest[used..];
        }
    });
    measured.run("packet -> typed event, by the client", || {
        let mut rest = &packets[..];
        let mut sequence = 0;
        while let Ok(Some((packet, used))) = frame(rest, 4096) {
            sequence += 1;
            let message = Outbound::decode(packet.payload).expect("an answer");
            black_box(ClientMessage::read(sequence, &message).expect("a meaning"));
            rest = &rest[used..];
        }
    });
}

/// Nanoseconds of a message, the best and the middle round.
struct Measured {
    messages: usize,
    rounds: usize,
    /// Of the copy before, the middle round.
    floor: f64,
}

impl Measured {
    fn rounds(&self, mut round: impl FnMut()) -> (f64, f64) {
        let mut times: Vec<f64> = (0..self.rounds)
            .map(|_| {
                let started = Instant::now();
                round();
                started.elapsed().as_nanos() as f64 / self.messages as f64
            })
            .collect();
        times.sort_by(f64::total_cmp);
        (times[0], times[times.len() / 2])
    }

    fn floor(&mut self, name: &str, packets: &[u8]) {
        let mut out = [0_u8; 512];
        let (best, middle) = self.rounds(|| {
            let mut rest = packets;
            while let Some((len, _)) = rest.split_first_chunk::<2>() {
                let len = 2 + usize::from(u16::from_be_bytes(*len));
                out[..len].copy_from_slice(&rest[..len]);
                black_box(&out);
                rest = &rest[len..];
            }
        });
        self.floor = middle;
        println!("{name:<38} {middle:>7.1} ns  best {best:>7.1}  (floor)");
    }

    fn run(&self, name: &str, round: impl FnMut()) {
        let (best, middle) = self.rounds(round);
        println!("{name:<38} {middle:>7.1} ns  best {best:>7.1}  {:>5.1} × floor", middle / self.floor);
    }
}

/// All of it once, into the digest; returns the packets.
fn check(
    requests: &[u8],
    events: &[(EventRecord, Address)],
    listings: &Listings,
    messages: usize,
    hash: &mut Sha256,
) -> Vec<u8> {
    let mut rest = requests;
    let mut commands = 0;
    let mut bytes = [0; codec::ENCODED_LEN_MAX];
    while let Some((packet, used)) = frame(rest, 4096).expect("packets") {
        let command = to_command(FROM, &Inbound::decode(packet.payload).expect("a request"), listings);
        assert!(
            !matches!(command, Command::Order(OrderCommand::RefuseEnter(_) | OrderCommand::RefuseReplace(_))),
            "{command:?}"
        );
        let len = codec::encode_command(&command, &mut bytes).expect("fits");
        hash.update(&bytes[..len]);
        commands += 1;
        rest = &rest[used..];
    }
    assert_eq!(commands, messages);
    let mut packets = Vec::new();
    let mut packet = [0; SEQUENCED_LEN_MAX];
    for (record, to) in events {
        let len = encode_sequenced(record, *to, listings, &mut packet).expect("a message");
        packets.extend_from_slice(&packet[..len]);
    }
    hash.update(&packets);
    packets
}

fn listings() -> Listings {
    let listing = Listing {
        symbol: SYMBOL,
        price_decimals: 2,
        tick_units: 5,
        lot: Amount(1),
        tick_value: Amount(1),
        ..Listing::default()
    };
    let mut listings = Listings::default();
    for id in 0..8 {
        let symbol = if id == 4 { SYMBOL } else { Symbol([b'A' + id as u8; 8]) };
        listings.apply(&Event::Admin(AdminEvent::InstrumentListed(Listing {
            instrument: InstrumentId(id),
            symbol,
            ..listing
        })));
    }
    listings
}

/// Six orders, three cancels and a replace.
fn plain(number: usize) -> Inbound<'static> {
    let user_ref = UserRef(number as u32);
    let price = 6_000_000 + 5 * (number as u64 % 97);
    let nothing = Appendage(&[]);
    match number % 10 {
        0..6 => {
            let order = EnterOrder {
                user_ref,
                side: if number.is_multiple_of(2) { b'B' } else { b'S' },
                quantity: 100 + number as u32 % 1_000,
                symbol: SYMBOL,
                price,
                time_in_force: if number.is_multiple_of(5) { b'3' } else { b'0' },
                display: b'Y',
                capacity: b'P',
                iso: b'N',
                cross_type: b'N',
                cl_ord_id: ClOrdId(*b"a client's own"),
            };
            Inbound::Enter(order, nothing)
        }
        6..9 => Inbound::Cancel(CancelOrder { user_ref, quantity: 0 }, nothing),
        _ => {
            let order = ReplaceOrder {
                orig_user_ref: UserRef(number as u32 - 9),
                user_ref,
                quantity: 100,
                price,
                time_in_force: b'0',
                display: b'Y',
                iso: b'N',
                cl_ord_id: ClOrdId(*b"a client's own"),
            };
            Inbound::Replace(order, nothing)
        }
    }
}

fn requests(messages: usize) -> Vec<u8> {
    // Post-only, an iceberg, self-trade prevention: three tags, one of them private.
    let tags = b"\x02\x0cP\x05\x05\0\0\0\x0a\x02\x85N";
    let (mut bytes, mut out) = (Vec::new(), [0; 128]);
    for number in 1..=messages {
        let request = match plain(number) {
            Inbound::Enter(order, _) if number.is_multiple_of(8) => {
                Inbound::Enter(EnterOrder { time_in_force: b'0', ..order }, Appendage(tags))
            }
            other => other,
        };
        let len = request.encode(&mut out).expect("fits");
        soup::push_packet(kind::UNSEQUENCED, &out[..len], &mut bytes).expect("fits");
    }
    bytes
}

/// Four accepted, three trades, two cancels and a replace of ten events.
fn events(messages: usize) -> Vec<(EventRecord, Address)> {
    let instrument = InstrumentId(4);
    (1..=messages)
        .map(|number| {
            let (user_ref, order) = (UserRef(number as u32), OrderId(number as u64));
            let (price, quantity) = (Price(1_200_000 + number as i64 % 97), Quantity(100));
            let echo = Echo { cl_ord_id: ClOrdId(*b"a client's own"), ..Echo::default() };
            let (event, part) = match number % 10 {
                0..4 => {
                    let display_quantity = if number.is_multiple_of(8) { 10 } else { 0 };
                    let accepted = Accepted {
                        login: LOGIN,
                        terms: OrderTerms {
                            user_ref,
                            order,
                            instrument,
                            side: Side::Sell,
                            price: Some(price),
                            quantity,
                            echo,
                            display_quantity,
                            ..OrderTerms::default()
                        },
                    };
                    (Event::Order(OrderEvent::Accepted(accepted)), Part::Only)
                }
                4..7 => {
                    let trade = Executed {
                        trade: TradeId(number as u64),
                        instrument,
                        price,
                        quantity,
                        maker_login: LOGIN,
                        maker_user_ref: user_ref,
                        maker_order: order,
                        ..Executed::default()
                    };
                    (
                        Event::Order(OrderEvent::Executed(trade)),
                        if number.is_multiple_of(2) { Part::Maker } else { Part::Taker },
                    )
                }
                7..9 => {
                    let canceled = Canceled {
                        login: LOGIN,
                        user_ref,
                        order,
                        decrement: quantity,
                        open: Quantity(0),
                        reserved: Amount(0),
                        reason: CancelReason::UserRequested,
                    };
                    (Event::Order(OrderEvent::Canceled(canceled)), Part::Only)
                }
                _ => {
                    let replaced = Replaced {
                        login: LOGIN,
                        orig_user_ref: UserRef(number as u32 - 1),
                        terms: OrderTerms {
                            user_ref,
                            order,
                            instrument,
                            price: Some(price),
                            quantity,
                            echo,
                            ..OrderTerms::default()
                        },
                        ..Replaced::default()
                    };
                    (Event::Order(OrderEvent::Replaced(replaced)), Part::Only)
                }
            };
            let time = Timestamp(1_800_000_000_000_000_000 + 1_000 * number as u64);
            let record = EventRecord { number: number as u64, sequence: number as u64, time, event };
            (record, Address { login: LOGIN, part, copy_of: None })
        })
        .collect()
}
