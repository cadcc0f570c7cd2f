//! Bad input from people and from clients, through the program itself: what is said, with which exit code, and that nobody
//! else notices. What is beyond these examples is tested where it is refused: `config`, `codec`, `gateway::hostile`,
//! `gateway::sessions`, the scripts of `exchange`; a port or a directory in use in `cli`.

use super::cli::{Place, Server, assert_says, first_segment, order};
use dojima::client::session::{Resume, Session};
use dojima::domain::{RejectReason, Symbol, UserRef};
use dojima::wire::ouch::event::reject_code;
use dojima::wire::ouch::{Appendage, EnterOrder, Inbound, Outbound};
use dojima::wire::soup::{self, LoginAccepted, LoginRejected, LoginRequest, kind};
use dojima_journal::layout::{VERSION, VERSION_AT};
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Long enough for any machine: running out of it is a failure, never a verdict.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_bad_configuration_is_refused_before_anything_is_written() {
    let place = Place::new();
    let cases = [
        (("[rings]\n", "[rings]\nslots = 64\n"), &["column 1: unknown field `slots`"][..]),
        (
            ("code = \"USDT\"\nscale = 8", "code = \"USDT\"\nscale = 5"),
            &["instruments[BTC-USDT].tick = 0.01: tick × lot is not a whole number", "USDT has a scale of 5"],
        ),
        (
            ("min_quantity = \"0.00001\"", "min_quantity = \"0.000015\""),
            &["instruments[BTC-USDT].min_quantity = 0.000015", "not a whole number of lots of 0.00001"],
        ),
        (
            ("BTC = \"100000\"", "BTC = \"0.000000001\""),
            &["accounts[alice].deposits.BTC = 0.000000001", "more decimals than the asset's scale of 8"],
        ),
    ];
    for ((from, to), says) in cases {
        place.configure(|text| {
            assert!(text.contains(from), "default.toml has no {from:?}");
            text.replacen(from, to, 1)
        });
        let refused = place.run("serve", &["--listen", "127.0.0.1:0"]);
        assert_eq!(refused.code, Some(1), "{to:?}: {}", refused.stderr);
        assert_says(&refused.stderr, "test.toml: ");
        says.iter().for_each(|words| assert_says(&refused.stderr, words));
        assert!(!place.data().exists(), "{to:?}: nothing is written");
    }
}

#[test]
fn a_journal_of_another_version_is_named_by_every_command() {
    let place = Place::new();
    assert_eq!(place.serve().terminate().code, Some(0));
    let file = first_segment(&place.data(), "journal");
    let mut bytes = fs::read(&file).expect("readable");
    bytes[VERSION_AT..VERSION_AT + 4].copy_from_slice(&(VERSION + 1).to_le_bytes());
    fs::write(&file, &bytes).expect("written");
    let expected = format!(
        "{}: journal format version {} at byte {VERSION_AT}, but this build reads version {VERSION}",
        file.display(),
        VERSION + 1
    );
    for (command, more, code) in
        [("serve", &["--listen", "127.0.0.1:0"][..], 14), ("replay", &[], 1), ("verify", &[], 1)]
    {
        let refused = place.run(command, more);
        assert_eq!(refused.code, Some(code), "{command}: {}", refused.stderr);
        assert_says(&refused.stderr, &expected);
    }
    assert!(fs::read(&file).expect("readable") == bytes, "nothing was changed");
}

/// A connection that waits for what the server has to say.
fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    stream
}

/// Sends bytes and returns all that is answered until the server closes the connection.
fn answer_to(mut stream: TcpStream, bytes: &[u8]) -> Vec<u8> {
    stream.write_all(bytes).expect("taken");
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => answer,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => answer,
        Err(error) => panic!("the server does not close the connection: {error}"),
    }
}

/// A Login Request of ALICE with this password.
fn login(password: &str) -> Vec<u8> {
    let (who, _) = order("ALICE", b'B');
    let request = LoginRequest {
        username: who.username,
        password: soup::password(password).expect("a password"),
        session: None,
        sequence: 0,
        heartbeat_timeout_ms: None,
    };
    let mut bytes = Vec::new();
    request.push(&mut bytes);
    bytes
}

#[test]
fn bad_bytes_and_bad_passwords_cost_their_connection_and_are_logged() {
    let place = Place::new();
    let server = place.serve();
    let mut bystander = Bystander::connect(&server);

    assert_eq!(answer_to(connect(&server), b"GET / HTTP/1.1\r\n\r\n"), b"", "garbage");
    assert_eq!(answer_to(connect(&server), &login("NOTTHIS")), LoginRejected::NotAuthorised.packet());
    let mut alice = connect(&server);
    alice.write_all(&login("DEMO")).expect("taken");
    let mut greeting = [0; LoginAccepted::PACKET_LEN];
    alice.read_exact(&mut greeting).expect("a Login Accepted");
    assert_eq!(greeting[2], kind::LOGIN_ACCEPTED);
    let oversized = [&5000_u16.to_be_bytes()[..], &[kind::UNSEQUENCED]].concat();
    assert_eq!(answer_to(alice, &oversized), b"", "oversized");

    assert_eq!(bystander.enter(1, |_| {}), Answer::Accepted(UserRef(1)));
    let done = server.terminate();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_says(&done.stderr, "not SoupBinTCP: a packet of length 18245, more than the 1024 that are taken");
    assert_says(&done.stderr, "login refused: not authorised: unknown user or wrong password");
    assert_says(&done.stderr, "not SoupBinTCP: a packet of length 5000, more than the 4096 that are taken");
    assert!(!done.stderr.contains("NOTTHIS"), "a password in the log");
}

/// What an Enter Order was answered with.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Accepted(UserRef),
    Rejected(UserRef, u16),
}

/// BOB, who minds his own business.
struct Bystander {
    session: Session,
}

impl Bystander {
    fn connect(server: &Server) -> Self {
        let (who, _) = order("BOB", b'B');
        let session = Session::connect(server.address, &who, Resume::START).expect("logs in");
        Self { session }
    }

    /// Sends an order of this number, changed by `edit`, and waits for its answer.
    fn enter(&mut self, user_ref: u32, edit: impl FnOnce(&mut EnterOrder)) -> Answer {
        let (_, mut enter) = order("BOB", b'B');
        enter.user_ref = UserRef(user_ref);
        edit(&mut enter);
        self.session.send(&Inbound::Enter(enter, Appendage::default()));
        loop {
            let mut answer = None;
            self.session.flush().expect("connected");
            self.session.wait(PATIENCE).expect("connected");
            let received = self.session.receive(|_, message| match message {
                Outbound::Accepted(accepted, _) => answer = Some(Answer::Accepted(accepted.user_ref)),
                Outbound::Rejected(refused, _) => {
                    answer = Some(Answer::Rejected(refused.user_ref, refused.reason));
                }
                _ => {}
            });
            received.expect("connected");
            if let Some(answer) = answer {
                return answer;
            }
        }
    }
}

#[test]
fn unacceptable_orders_are_answered_with_their_reason_and_use_up_their_number() {
    let place = Place::new();
    let server = place.serve();
    let mut client = Bystander::connect(&server);
    let refused = |number, reason| Answer::Rejected(UserRef(number), reject_code(reason));

    let unknown = client.enter(1, |order| order.symbol = Symbol::new("BTC-GOLD").expect("a symbol"));
    assert_eq!(unknown, refused(1, RejectReason::UnknownSymbol));
    let poor = client.enter(2, |order| (order.quantity, order.price) = (100_000_000, 0x7FFF_FFFE));
    assert_eq!(poor, refused(2, RejectReason::InsufficientFunds));
    let too_large = client.enter(3, |order| order.quantity = 100_000_001);
    assert_eq!(too_large, refused(3, RejectReason::QuantityAboveMaximum));
    let too_small = client.enter(4, |order| order.quantity = 0);
    assert_eq!(too_small, refused(4, RejectReason::InvalidQuantity));

    // A number that a refusal has used up is a retransmission, which has no answer: the next number's comes first.
    let (_, again) = order("BOB", b'B');
    client.session.send(&Inbound::Enter(EnterOrder { user_ref: UserRef(4), ..again }, Appendage::default()));
    assert_eq!(client.enter(5, |_| {}), Answer::Accepted(UserRef(5)));
    assert_eq!(server.terminate().code, Some(0));

    let verify = place.run("verify", &[]);
    assert_eq!(verify.code, Some(0), "{}\n{}", verify.stdout, verify.stderr);
}
