//! Bytes that nobody should send: each costs its own connection, and nothing else.

use super::bench::{ALICE, BOB, Bench, PACKET_LEN_MAX, cancel, login_packet};
use dojima::domain::{Command, LoginId, OrderCommand};
use dojima::runtime::SplitMix64;
use dojima::wire::soup::{self, kind};

fn packet(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    soup::push_packet(kind, payload, &mut packet).expect("fits");
    packet
}

fn order(payload: &[u8]) -> Vec<u8> {
    packet(kind::UNSEQUENCED, payload)
}

/// A message of this type and length, zeros but for the type.
fn zeros(kind: u8, len: usize) -> Vec<u8> {
    let mut payload = vec![0; len];
    payload[0] = kind;
    order(&payload)
}

fn sender(command: &Command) -> LoginId {
    match command {
        Command::Order(OrderCommand::Enter(c)) => c.login,
        Command::Order(OrderCommand::RefuseEnter(c)) => c.login,
        Command::Order(OrderCommand::Replace(c)) => c.login,
        Command::Order(OrderCommand::RefuseReplace(c)) => c.login,
        Command::Order(OrderCommand::Cancel(c)) => c.login,
        Command::Order(OrderCommand::Amend(c)) => c.login,
        Command::Order(OrderCommand::MassCancel(c)) => c.login.expect("a client's"),
        Command::Order(OrderCommand::Modify(c)) => c.login,
        Command::Order(OrderCommand::QueryAccount(c)) => c.login,
        Command::Order(OrderCommand::SetOrderEntry(c)) => c.login,
        Command::Order(OrderCommand::NameOrder(c)) => c.login,
        Command::Order(OrderCommand::TransferOut(c)) => c.login.expect("a client's"),
        Command::Order(OrderCommand::SendIndex(c)) => c.login,
        Command::Order(OrderCommand::QueryWallet(c)) => c.login,
        other => panic!("not a client's command: {other:?}"),
    }
}

#[test]
fn what_breaks_the_protocol_costs_only_its_connection() {
    let oversized = (PACKET_LEN_MAX as u16 + 1).to_be_bytes();
    let before_login: Vec<(&str, Vec<u8>)> = vec![
        ("a packet without a type", vec![0, 0]),
        ("an HTTP request", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("an oversized packet", oversized.to_vec()),
        ("an order", cancel(1)),
        ("a login of another length", packet(kind::LOGIN_REQUEST, &[b' '; 47])),
        ("a login without a sequence", packet(kind::LOGIN_REQUEST, &[b' '; 46])),
        ("a server's packet", packet(kind::LOGIN_ACCEPTED, b"")),
        ("an unknown packet", packet(0xFF, b"")),
    ];
    let after_login: Vec<(&str, Vec<u8>)> = vec![
        ("a packet without a type", vec![0, 0]),
        ("an oversized packet", oversized.to_vec()),
        ("a second login", login_packet(ALICE, 0)),
        ("a sequenced packet", packet(kind::SEQUENCED, b"X")),
        ("a server's heartbeat", packet(kind::SERVER_HEARTBEAT, b"")),
        ("an unknown packet", packet(b'?', b"")),
        ("an empty message", order(b"")),
        ("an unknown message", order(b"?")),
        ("an enter that is cut short", zeros(b'O', 46)),
        ("a replace that is cut short", zeros(b'U', 39)),
        ("a cancel with a byte too many", zeros(b'X', 10)),
        ("an enter with a wrong appendage length", zeros(b'O', 48)),
        ("a modify with a byte too many", zeros(b'M', 11)),
        ("a mass cancel that is cut short", zeros(b'C', 18)),
        ("a disable that is cut short", zeros(b'D', 10)),
        ("an enable that is cut short", zeros(b'E', 10)),
        ("an account query with a byte too many", zeros(b'Q', 2)),
    ];
    let mut bench = Bench::new();
    let (mut bystander, _) = bench.log_in(BOB, 0);
    let logged_in = after_login.into_iter().map(|case| (login_packet(ALICE, 0), case));
    let cases = before_login.into_iter().map(|case| (Vec::new(), case)).chain(logged_in);
    for (number, (greeting, (what, bytes))) in (1..).zip(cases) {
        let mut client = bench.connect();
        // What came before the bad bytes counts, what comes after them does not.
        let good = if greeting.is_empty() { Vec::new() } else { cancel(number) };
        client.send(&[&greeting[..], &good, &bytes, &cancel(999)].concat());
        bench.until_closed(&mut client);
        assert_eq!(bench.count("gateway.bad_frames"), u64::from(number), "{what}");
        assert_eq!(bench.taken().len(), usize::from(!good.is_empty()), "{what}");
        bench.tell(BOB);
        bench.expect_stream(&mut bystander, BOB, u64::from(number));
    }
    assert_eq!(bench.count("gateway.connections"), 1);
}

#[test]
fn the_longest_packet_is_taken() {
    let mut bench = Bench::new();
    let (mut client, _) = bench.log_in(ALICE, 0);
    client.send(&packet(kind::DEBUG, &vec![b'x'; PACKET_LEN_MAX - 1]));
    client.send(&cancel(1));
    bench.until("the cancel", |bench| bench.commands.waiting() == 1);
}

#[test]
fn arbitrary_bytes_never_reach_a_bystander() {
    let mut bench = Bench::new();
    let (mut bystander, _) = bench.log_in(BOB, 0);
    let mut numbers = SplitMix64::new(1);
    let mut random = move || numbers.draw();
    for round in 1..=300 {
        let mut client = bench.connect();
        let mut bytes = if random() % 4 == 0 { Vec::new() } else { login_packet(ALICE, 0) };
        for _ in 0..random() % 8 {
            // Sound packets with unsound contents get further than noise does.
            let len = random() % 64;
            let payload: Vec<u8> = (0..len).map(|_| random() as u8).collect();
            match random() % 3 {
                0 => bytes.extend(payload),
                1 => bytes.extend(order(&payload)),
                _ => bytes.extend(zeros(b"OUXMCDEQ"[random() as usize % 8], 1 + len as usize)),
            }
        }
        client.send(&bytes);
        client.finish();
        bench.until_closed(&mut client);
        assert!(bench.taken().iter().all(|command| sender(command) == ALICE));
        bench.tell(BOB);
        bench.expect_stream(&mut bystander, BOB, round);
    }
}

#[test]
fn who_says_much_and_nothing_takes_turns_and_loses_nothing() {
    let mut bench = Bench::new();
    let (mut chatty, _) = bench.log_in(ALICE, 0);
    let (mut bystander, _) = bench.log_in(BOB, 0);
    let chatter = soup::CLIENT_HEARTBEAT.repeat(4_000);
    let bytes = [&chatter[..], &cancel(7)].concat();
    let mut rest = &bytes[..];
    let mut cycles = 0;
    bench.until("the cancel", |bench| {
        chatty.send_some(&mut rest);
        cycles += 1;
        bench.commands.waiting() == 1
    });
    assert!(cycles > 4_000 / 300, "it took turns: {cycles}");
    bench.tell(BOB);
    while bench.next_packet(&mut bystander).0 != kind::SEQUENCED {}
    assert_eq!(bench.count("gateway.connections"), 2);
}
