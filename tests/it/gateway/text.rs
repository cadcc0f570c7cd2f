//! A second protocol of order entry on the same gateway: lines of text, over loopback, traded by the real exchange. Nothing of OUCH
//! or SoupBinTCP is in its bytes.

use super::bench::{Bench, LONG_NAME, LONG_PASSWORD, settings};
use crate::support::venue::limits;
use dojima::domain::audience::{Address, Part};
use dojima::domain::{
    AccountId, AdminCommand, Amount, AssetCode, AssetId, Cancel, ClientName, Command, Enter, Event,
    EventRecord, InstrumentId, ListInstrument, Listings, LoginId, LoginName, NameOrder, OrderCommand,
    OrderEvent, OrderPrice, Password, Phase, Quantity, RefuseEnter, RejectReason, ShardId, Side, Stamp,
    Symbol, TimeInForce, Timestamp, Transfer, UserRef, VenueCommand, VenueEvent,
};
use dojima::net::auth::Role;
use dojima::net::session::{
    CloseReason, Frame, LoginAccepted, LoginRejected, LoginRequest, Says, SessionId, SessionProtocol,
};
use dojima::replica::State;
use dojima::stages::gateway::{Asked, GatewayStart, LoggedIn, OrderEntryProtocol};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::ops::ControlFlow;

/// Lines that end with a line feed, words between spaces.
struct Lines;

fn not_ours(why: &str) -> CloseReason {
    CloseReason::not_of("lines of text", io::Error::other(why.to_owned()))
}

fn words(line: &[u8]) -> Result<Vec<&str>, CloseReason> {
    let text = std::str::from_utf8(line).map_err(|_| not_ours("no text"))?;
    Ok(text.split_ascii_whitespace().collect())
}

fn put(text: &str, out: &mut [u8]) -> Option<usize> {
    let line = out.get_mut(..=text.len())?;
    line[..text.len()].copy_from_slice(text.as_bytes());
    line[text.len()] = b'\n';
    Some(line.len())
}

impl SessionProtocol for Lines {
    const HEARTBEAT: &'static [u8] = b"ALIVE\n";
    const END_OF_SESSION: &'static [u8] = b"END\n";

    fn frame(bytes: &[u8], len_max: usize) -> Result<Option<(Frame<'_>, usize)>, CloseReason> {
        let Some(len) = bytes.iter().position(|byte| *byte == b'\n') else {
            return if bytes.len() > len_max { Err(not_ours("a line without an end")) } else { Ok(None) };
        };
        let line = &bytes[..len];
        let says = match line {
            b"ALIVE" => Says::Nothing,
            b"BYE" => Says::Logout,
            _ if line.starts_with(b"LOGIN ") => Says::Login(&line[6..]),
            _ => Says::Message(line),
        };
        Ok(Some((Frame { kind: line.first().copied().unwrap_or(b' '), says }, len + 1)))
    }

    fn login(payload: &[u8]) -> Result<LoginRequest, CloseReason> {
        let [name, password, sequence] = words(payload)?[..] else { return Err(not_ours("no login")) };
        let no = || not_ours("no name or password");
        Ok(LoginRequest {
            username: LoginName::new(name).ok_or_else(no)?,
            password: Password::new(password.as_bytes()).ok_or_else(no)?,
            session: None,
            sequence: sequence.parse().map_err(|_| no())?,
            heartbeat_timeout_ms: None,
        })
    }

    fn accepted(LoginAccepted { session, sequence }: &LoginAccepted, out: &mut [u8]) -> usize {
        put(&format!("IN {session} {sequence}"), out).expect("it fits")
    }

    fn refused(reason: LoginRejected, out: &mut [u8]) -> usize {
        put(&format!("OUT {reason:?}"), out).expect("it fits")
    }
}

/// `BUY 7 COIN 5 100 [NAME]`, `SELL …`, `CANCEL 7 0`.
fn asked(LoggedIn { login, session, .. }: LoggedIn, words: &[&str], listings: &Listings) -> Option<Asked> {
    let number = |word: &str| word.parse::<u32>().ok();
    if let ["CANCEL", user_ref, quantity] = *words {
        let (user_ref, quantity) = (UserRef(number(user_ref)?), Quantity(number(quantity)?.into()));
        let command = Command::Order(OrderCommand::Cancel(Cancel { login, session, user_ref, quantity }));
        return Some(Asked { name: None, command });
    }
    let [side, user_ref, symbol, quantity, price, ref name @ ..] = *words else { return None };
    let side = match side {
        "BUY" => Side::Buy,
        "SELL" => Side::Sell,
        _ => return None,
    };
    let user_ref = UserRef(number(user_ref)?);
    let name = match *name {
        [] => None,
        [name] => Some(NameOrder { login, session, user_ref, name: ClientName::new(name)? }),
        _ => return None,
    };
    let command = match listings.find(Symbol::new(symbol)?) {
        Some(instrument) => OrderCommand::Enter(Enter {
            login,
            session,
            user_ref,
            instrument,
            side,
            time_in_force: TimeInForce::GoodTillCancel,
            price: OrderPrice::Limit(price.parse().ok()?),
            quantity: Quantity(number(quantity)?.into()),
            ..Enter::default()
        }),
        None => {
            let (reason, cl_ord_id) = (RejectReason::UnknownSymbol, Default::default());
            OrderCommand::RefuseEnter(RefuseEnter { login, session, user_ref, reason, cl_ord_id })
        }
    };
    Some(Asked { name, command: Command::Order(command) })
}

impl OrderEntryProtocol for Lines {
    const PACKET_LEN_MAX: usize = 120;
    const PACKET_LEN_MIN: usize = 4;

    fn command(from: LoggedIn, message: &[u8], listings: &Listings) -> Result<Asked, CloseReason> {
        asked(from, &words(message)?, listings).ok_or_else(|| not_ours("not an order"))
    }

    fn packet_len(byte: impl Fn(u64) -> u8) -> u64 {
        (0..).find(|at| byte(*at) == b'\n').expect("a line ends") + 1
    }

    fn encode(record: &EventRecord, to: Address, _: &Listings, out: &mut [u8]) -> Option<usize> {
        let text = match (&record.event, to.part) {
            (Event::Venue(VenueEvent::LoginOpened { .. }), _) => "HELLO".to_owned(),
            (Event::Order(OrderEvent::Accepted(e)), _) => {
                format!("TAKEN {} {}", e.terms.user_ref, e.terms.quantity)
            }
            (Event::Order(OrderEvent::Rejected(e)), _) => format!("REFUSED {} {:?}", e.user_ref, e.reason),
            (Event::Order(OrderEvent::Canceled(e)), _) => format!("GONE {} {}", e.user_ref, e.decrement),
            (Event::Order(OrderEvent::Executed(e)), part) => {
                let user_ref = if part == Part::Maker { e.maker_user_ref } else { e.taker_user_ref };
                format!("TRADE {user_ref} {} {}", e.quantity, e.price)
            }
            (other, _) => format!("OTHER {}", other.name()),
        };
        put(&text, out)
    }
}

/// A client that reads and writes lines without waiting.
struct Client {
    stream: TcpStream,
    read: Vec<u8>,
}

/// The gateway, and what is behind it: commands are applied as they come, and their events are durable at once.
struct Venue {
    bench: Bench<Lines>,
    state: State,
    applied: Vec<EventRecord>,
    commands: u64,
}

impl Venue {
    fn new() -> Self {
        let bench = Bench::<Lines>::starting(settings(), 1024, GatewayStart::default(), Role::Trade);
        let mut venue = Self { bench, state: State::empty(), applied: Vec::new(), commands: 0 };
        venue.apply(Command::Venue(VenueCommand::SetLimits { limits: limits(100) }));
        let [coin, cash] = [AssetId(0), AssetId(1)];
        for (asset, code) in [(coin, "COIN"), (cash, "CASH")] {
            let code = AssetCode::new(code).expect("a code");
            venue.apply(Command::Admin(AdminCommand::AddAsset { asset, code, scale: 0 }));
        }
        venue.apply(Command::Venue(VenueCommand::OpenAccount { account: AccountId::FEES }));
        for login in 0..3 {
            let account = AccountId(login + 1);
            venue.apply(Command::Venue(VenueCommand::OpenAccount { account }));
            let name = LoginName::default();
            venue.apply(Command::Venue(VenueCommand::OpenLogin { login: LoginId(login), account, name }));
            for (asset, reference) in [(coin, 1), (cash, 2)] {
                let transfer =
                    Transfer { account, asset, amount: Amount(1_000_000), reference, shard: ShardId::FIRST };
                venue.apply(Command::Admin(AdminCommand::Deposit(transfer)));
            }
        }
        venue.apply(Command::Admin(AdminCommand::ListInstrument(ListInstrument {
            instrument: InstrumentId(0),
            symbol: Symbol::new("COIN").expect("a symbol"),
            base: coin,
            quote: cash,
            tick_units: 1,
            lot: Amount(1),
            min_quantity: Quantity(1),
            max_quantity: Quantity(1_000),
            phase: Phase::Continuous,
            ..ListInstrument::default()
        })));
        venue
    }

    fn apply(&mut self, command: Command) {
        self.commands += 1;
        let stamp = Stamp { sequence: self.commands, time: Timestamp(self.commands) };
        let (events, applied) = (&mut self.bench.events, &mut self.applied);
        let done: Result<(), ()> = self.state.apply(stamp, &command, &mut |record| {
            applied.push(*record);
            events.try_push(*record).map_err(drop)
        });
        done.expect("room in the event ring");
        self.bench.durable.set(self.commands);
        self.bench.sequenced.set(self.commands);
        self.bench.applied.set(self.commands);
    }

    fn cycle(&mut self) {
        self.bench.cycle();
        let mut came = Vec::new();
        self.bench.commands.poll(64, |command| {
            came.push(*command);
            ControlFlow::Continue(())
        });
        came.into_iter().for_each(|command| self.apply(command));
    }

    fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.bench.addr).expect("connected");
        stream.set_nonblocking(true).expect("a socket");
        Client { stream, read: Vec::new() }
    }

    fn log_in(&mut self, login: &str) -> Client {
        let mut client = self.connect();
        client.say(&format!("LOGIN {login}"));
        client
    }

    /// The client must be told these lines next.
    #[track_caller]
    fn tells(&mut self, client: &mut Client, lines: &[&str]) {
        for line in lines {
            let said = self.next_line(client);
            assert_eq!(said.as_deref(), Some(*line));
        }
    }

    /// The next line; `None` once the connection is closed.
    #[track_caller]
    fn next_line(&mut self, client: &mut Client) -> Option<String> {
        for _ in 0..300_000 {
            if let Some(end) = client.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = client.read.drain(..=end).collect();
                return Some(String::from_utf8(line[..end].to_vec()).expect("text"));
            }
            self.cycle();
            let mut bytes = [0; 4096];
            match client.stream.read(&mut bytes) {
                Ok(0) => return None,
                Ok(count) => client.read.extend(&bytes[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(_) => return None,
            }
        }
        panic!("gave up waiting for a line; the last events: {:?}", self.applied.last());
    }
}

impl Client {
    fn say(&mut self, line: &str) {
        self.stream.write_all(format!("{line}\n").as_bytes()).expect("written");
    }
}

const NAME: &str = "a-name-of-thirty-six-characters-0123";

#[test]
fn a_protocol_of_lines_trades_on_the_same_gateway() {
    let mut venue = Venue::new();
    let mut stranger = venue.log_in("ALICE WRONG 0");
    // A refusal is given time.
    venue.bench.until("the refusal", |bench| {
        bench.clock.advance(10_000_000);
        bench.count("gateway.logins_refused") > 0
    });
    venue.tells(&mut stranger, &["OUT NotAuthorised"]);
    let mut other = venue.log_in(&format!("{LONG_NAME} {} 0", LONG_PASSWORD.to_ascii_uppercase()));
    venue.bench.until("the refusal of a password in another case", |bench| {
        bench.clock.advance(10_000_000);
        bench.count("gateway.logins_refused") > 1
    });
    venue.tells(&mut other, &["OUT NotAuthorised"]);
    let mut alice = venue.log_in("ALICE WONDER 0");
    venue.tells(&mut alice, &["IN DAY1 2"]);
    // Longer than a Login Request of SoupBinTCP has room for.
    let mut bob = venue.log_in(&format!("{LONG_NAME} {LONG_PASSWORD} 0"));
    venue.tells(&mut bob, &["IN DAY1 2"]);

    bob.say(&format!("SELL 1 COIN 5 100 {NAME}"));
    venue.tells(&mut bob, &["TAKEN 1 5"]);
    let named = |record: &EventRecord| match record.event {
        Event::Order(OrderEvent::OrderNamed(named)) => Some((named.login, named.user_ref, named.name.text())),
        _ => None,
    };
    let names: Vec<_> = venue.applied.iter().filter_map(named).collect();
    assert_eq!(names, [(LoginId(2), UserRef(1), NAME.to_owned())]);

    let mut carol = venue.log_in("ALICE WONDER 0");
    venue.tells(&mut carol, &["IN DAY1 2"]);
    assert_eq!(venue.next_line(&mut alice), None, "one connection for a login");
    carol.say("BUY 1 COIN 3 100");
    venue.tells(&mut carol, &["TAKEN 1 3", "TRADE 1 3 100"]);
    venue.tells(&mut bob, &["TRADE 1 3 100"]);
    bob.say("CANCEL 1 0");
    venue.tells(&mut bob, &["GONE 1 2"]);
    // What OUCH has no words for, and what no protocol has.
    for (line, told) in [
        ("BUY 2 NONE 1 1", "REFUSED 2 UnknownSymbol"),
        ("BUY 3 COIN 1 -5", "REFUSED 3 InvalidPrice"),
        ("BUY 4 COIN 1 9223372036854775807", "REFUSED 4 InvalidPrice"),
        ("BUY 5 COIN 4294967295 1", "REFUSED 5 QuantityAboveMaximum"),
    ] {
        carol.say(line);
        venue.tells(&mut carol, &[told]);
    }
    venue.bench.clock.advance(2_000_000_000);
    venue.tells(&mut carol, &["ALIVE"]);
    assert_eq!(venue.state.shards.audit(), Ok(()));
}

#[test]
fn a_client_of_lines_resumes_and_is_cut_for_what_is_no_order() {
    let mut venue = Venue::new();
    let mut bob = venue.log_in("BOB BUILDER 0");
    venue.tells(&mut bob, &["IN DAY1 2"]);
    // More than the distance between two places that are remembered, so that lines are walked.
    for number in 1..=50 {
        bob.say(&format!("SELL {number} COIN {number} 100"));
        venue.tells(&mut bob, &[&format!("TAKEN {number} {number}")]);
    }
    bob.say("HELLO THERE");
    assert_eq!(venue.next_line(&mut bob), None);
    let mut bob = venue.log_in("BOB BUILDER 40");
    venue.tells(&mut bob, &["IN DAY1 40"]);
    for number in 39..=50 {
        venue.tells(&mut bob, &[&format!("TAKEN {number} {number}")]);
    }
    bob.say("BYE");
    assert_eq!(venue.next_line(&mut bob), None);
    let session = SessionId::new("DAY1").expect("a session");
    assert_eq!(settings().session, session);
}
