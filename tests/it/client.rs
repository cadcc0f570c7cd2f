//! The client library against a real engine.

use crate::entry::raw::start;
use crate::entry::secure::certificate;
use crate::support::engines::small_config;
use dojima::client::{
    Bookmark, CancelCode, Client, ClientError, ClientEvent, ClientMessage, Credentials, Endpoint, Liquidity,
    NewOrder, RejectCode, Replacement, Resume, Session, Start, TlsClient, Told, cl_ord_id,
};
use dojima::config::Durability;
use dojima::domain::{OrderPrice, Quantity, Side, Symbol, TimeInForce, UserRef, Visibility};
use dojima::engine::{Engine, ImplausibleClock, Launch, OnFatal, OrderEntry};
use dojima::runtime::ThreadingMode;
use dojima::wire::soup::{self, SessionId};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SYMBOL: Symbol = Symbol(*b"BTC-USDT");
const PATIENCE: Duration = Duration::from_secs(20);

struct Venue {
    engine: Engine,
    address: SocketAddr,
    data: TempDir,
}

impl Venue {
    fn new() -> Self {
        Self::on(TempDir::new().expect("a temporary directory"))
    }

    fn on(data: TempDir) -> Self {
        let config = small_config(ThreadingMode::Shared, Durability::Async);
        let launch = Launch {
            order_entry: OrderEntry::Listen,
            on_fatal: OnFatal::Stop,
            implausible_clock: ImplausibleClock::Refuse,
            on_progress: &mut |_| {},
        };
        let engine = Engine::start(&config, data.path(), launch).expect("the engine starts");
        let address = engine.order_entry.expect("it listens");
        Self { engine, address, data }
    }

    /// Stops the engine and starts it again on its data.
    fn again(self) -> Self {
        self.engine.stop().expect("an orderly end");
        Self::on(self.data)
    }

    fn client(&self, name: &str, start: Start) -> Client {
        Client::connect(self.address, &who(name), start).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

fn who(name: &str) -> Credentials {
    Credentials {
        username: soup::username(name).expect("a name"),
        password: soup::password("DEMO").expect("a password"),
        heartbeat_timeout_ms: Some(15_000),
    }
}

fn next(client: &mut Client) -> ClientMessage {
    client.next_event(PATIENCE).expect("connected").expect("in time")
}

#[test]
fn what_a_client_asks_for_comes_back_as_events() {
    let venue = Venue::new();
    let (mut alice, mut bob) = (venue.client("alice", Start::Now), venue.client("bob", Start::Now));
    assert_eq!(alice.next_event(Duration::ZERO).expect("connected"), None, "nothing to tell yet");

    let order = NewOrder::buy(SYMBOL, 500).limit(5_000_000).iceberg(100).cl_ord_id(cl_ord_id("a client's"));
    let one = alice.enter(&order).expect("sent");
    assert_eq!(one, UserRef(1));
    let message = next(&mut alice);
    let ClientEvent::Accepted(terms) = message.event else { panic!("{message:?}") };
    assert_eq!((terms.user_ref, terms.side, terms.quantity), (one, Side::Buy, Quantity(500)));
    assert_eq!((terms.symbol, terms.price), (SYMBOL, OrderPrice::Limit(5_000_000)));
    assert_eq!((terms.time_in_force, terms.visibility), (TimeInForce::Day, Visibility::Displayed));
    assert_eq!(terms.told, Told { display_quantity: Some(100), ..Told::default() });
    assert_eq!(terms.cl_ord_id.text(), "a client's");

    let sold = bob.enter(&NewOrder::sell(SYMBOL, 100).immediate_or_cancel()).expect("sent");
    assert!(
        matches!(next(&mut bob).event, ClientEvent::Accepted(terms) if terms.price == OrderPrice::Market)
    );
    let ClientEvent::Executed { user_ref, quantity, price, liquidity, trade } = next(&mut bob).event else {
        panic!("no trade");
    };
    assert_eq!((user_ref, quantity, price), (sold, Quantity(100), 5_000_000));
    assert_eq!(liquidity, Liquidity::Removed);
    let ClientEvent::Executed { liquidity, trade: same, .. } = next(&mut alice).event else {
        panic!("no trade");
    };
    assert_eq!((liquidity, same), (Liquidity::Added, trade));
    let ClientEvent::Refreshed { user_ref, displayed, slice } = next(&mut alice).event else {
        panic!("no new slice");
    };
    assert_eq!((user_ref, displayed), (one, Some(Quantity(100))));
    assert!(slice.expect("a public number").slice_event().is_some());

    // Two slices at once are one trade, of more than was shown.
    bob.enter(&NewOrder::sell(SYMBOL, 150).immediate_or_cancel()).expect("sent");
    let ClientEvent::Executed { quantity, .. } = next(&mut alice).event else { panic!("no trade") };
    let ClientEvent::Refreshed { displayed, slice: last, .. } = next(&mut alice).event else {
        panic!("no new slice");
    };
    assert_eq!((quantity, displayed), (Quantity(150), Some(Quantity(50))));
    assert_ne!(last, slice, "a slice has a number of its own");
    assert!(matches!(next(&mut bob).event, ClientEvent::Accepted(_)));
    let ClientEvent::Executed { quantity, .. } = next(&mut bob).event else { panic!("no trade") };
    assert_eq!(quantity, Quantity(150));

    let two = alice.replace(one, &Replacement::total(450).limit(5_000_100)).expect("sent");
    let ClientEvent::Replaced { orig_user_ref, order } = next(&mut alice).event else {
        panic!("not replaced");
    };
    assert_eq!((orig_user_ref, order.user_ref, order.quantity), (one, two, Quantity(200)));
    alice.modify(two, Side::Buy, 400).expect("sent");
    let open = Quantity(150);
    assert_eq!(next(&mut alice).event, ClientEvent::Modified { user_ref: two, side: Side::Buy, open });
    alice.reduce(two, 350).expect("sent");
    let event = next(&mut alice).event;
    let (decrement, reason) = (Quantity(50), CancelCode(b'U'));
    assert_eq!(event, ClientEvent::Canceled { user_ref: two, decrement, reason });
    assert_eq!(event.explain(), Some("It was cancelled as requested."));

    let three = alice.enter(&NewOrder::buy(Symbol(*b"NOWHERE "), 5)).expect("sent");
    let event = next(&mut alice).event;
    assert!(
        matches!(event, ClientEvent::Rejected { user_ref, reason: RejectCode(0x17), .. } if user_ref == three)
    );
    assert_eq!(event.user_ref(), Some(three));
    assert!(event.explain().expect("a reason").contains("symbol"));

    let all = alice.cancel_all(Some(SYMBOL), None).expect("sent");
    assert!(matches!(next(&mut alice).event, ClientEvent::Canceled { user_ref, .. } if user_ref == two));
    assert!(matches!(next(&mut alice).event, ClientEvent::MassCanceled { user_ref, .. } if user_ref == all));
    let off = alice.disable_order_entry().expect("sent");
    assert_eq!(next(&mut alice).event, ClientEvent::OrderEntryDisabled { user_ref: off });
    let four = alice.enter(&NewOrder::buy(SYMBOL, 5).limit(5_000_000)).expect("sent");
    assert!(matches!(next(&mut alice).event, ClientEvent::Rejected { user_ref, .. } if user_ref == four));
    let on = alice.enable_order_entry().expect("sent");
    assert_eq!(next(&mut alice).event, ClientEvent::OrderEntryEnabled { user_ref: on });
    alice.cancel_all_after(60_000).expect("sent");
    let ClientEvent::AccountState { next_user_ref, cancel_at: Some(_), .. } = next(&mut alice).event else {
        panic!("no switch");
    };
    assert_eq!(next_user_ref, UserRef(on.0 + 1));
    alice.query_account().expect("sent");
    assert!(matches!(next(&mut alice).event, ClientEvent::AccountState { cancel_at: Some(_), .. }));
    alice.cancel_all_after(0).expect("sent");
    assert!(matches!(next(&mut alice).event, ClientEvent::AccountState { cancel_at: None, .. }));
    venue.engine.stop().expect("an orderly end");
}

/// The stream has no gap and no message twice, whoever reads which part of it; and numbers go on, also after a restart.
#[test]
fn a_client_goes_on_where_another_has_stopped() {
    let venue = Venue::new();
    let mut first = venue.client("alice", Start::Now);
    for _ in 0..3 {
        first.enter(&NewOrder::buy(SYMBOL, 100).limit(5_000_000)).expect("sent");
    }
    let read = [next(&mut first), next(&mut first)];
    let bookmark = first.bookmark();
    assert_eq!((bookmark.sequence, bookmark.next_user_ref), (read[1].sequence + 1, Some(UserRef(4))));
    drop(first);

    let mut second = venue.client("alice", Start::At(bookmark));
    let message = next(&mut second);
    assert_eq!((message.sequence, message.event.user_ref()), (read[1].sequence + 1, Some(UserRef(3))));
    assert_eq!(second.enter(&NewOrder::buy(SYMBOL, 100).limit(5_000_000)).expect("sent"), UserRef(4));
    next(&mut second);
    second.log_out();

    let venue = venue.again();
    // One that knows nothing asks for the number, and hears everything from the start.
    let mut third = venue.client("alice", Start::Beginning);
    let mut sequence = 0;
    let mut accepted = Vec::new();
    while accepted.len() < 4 {
        let message = next(&mut third);
        sequence += 1;
        assert_eq!(message.sequence, sequence, "{message:?}");
        match message.event {
            ClientEvent::Accepted(terms) => accepted.push(terms.user_ref.0),
            ClientEvent::SessionStarted => assert_eq!(sequence, 1),
            ClientEvent::AccountState { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(accepted, [1, 2, 3, 4]);
    assert_eq!(third.enter(&NewOrder::buy(SYMBOL, 100).limit(5_000_000)).expect("sent"), UserRef(5));
    let without_number = Bookmark { next_user_ref: None, ..third.bookmark() };
    let started = Instant::now();
    while !matches!(next(&mut third).event, ClientEvent::Accepted(terms) if terms.user_ref == UserRef(5)) {
        assert!(started.elapsed() < PATIENCE);
    }
    let mut fourth = venue.client("alice", Start::At(without_number));
    assert_eq!(fourth.enter(&NewOrder::buy(SYMBOL, 100).limit(5_000_000)).expect("sent"), UserRef(6));
    // A second login of the same user takes over.
    let ended = loop {
        match third.next_event(PATIENCE) {
            Ok(Some(_)) => {}
            other => break other,
        }
    };
    assert!(matches!(ended, Err(ClientError::Closed(_))), "{ended:?}");
    venue.engine.stop().expect("an orderly end");
}

#[test]
fn what_cannot_be_is_a_typed_error() {
    let venue = Venue::new();
    let address = venue.address;
    let mut listener = Client::listen(address, &who("alice"), Start::Beginning).expect("logs in");
    assert_eq!(next(&mut listener).event, ClientEvent::SessionStarted);
    for refused in [
        listener.enter(&NewOrder::buy(SYMBOL, 1)).map(drop),
        listener.cancel(UserRef(1)),
        listener.modify(UserRef(1), Side::Buy, 1),
        listener.cancel_all(None, None).map(drop),
        listener.query_account(),
    ] {
        assert!(matches!(refused, Err(ClientError::OnlyListens)), "{refused:?}");
    }
    assert_eq!(listener.bookmark().next_user_ref, None);

    let wrong = Credentials { password: soup::password("WRONG").expect("a password"), ..who("bob") };
    let refused = Client::connect(address, &wrong, Start::Now).map(drop);
    assert!(matches!(refused, Err(ClientError::Rejected { .. })), "{refused:?}");
    let session = SessionId::new("ANOTHER").expect("a name");
    let elsewhere = Bookmark { session, sequence: 1, next_user_ref: Some(UserRef(1)) };
    let refused = Client::connect(address, &who("bob"), Start::At(elsewhere)).map(drop);
    assert!(matches!(refused, Err(ClientError::Rejected { .. })), "{refused:?}");
    let beyond = Resume { session: None, sequence: 1_000 };
    let gap = Session::connect(address, &who("bob"), beyond).map(drop);
    assert!(matches!(gap, Err(ClientError::Gap { requested: 1_000, given: 2 })), "{gap:?}");
    venue.engine.stop().expect("an orderly end");
    let gone = listener.next_event(PATIENCE);
    assert!(matches!(gone, Err(ClientError::Closed(_))), "{gone:?}");
}

#[test]
fn a_client_over_tls_sends_and_hears_all_of_it() {
    let data = TempDir::new().expect("a temporary directory");
    let mut config = small_config(ThreadingMode::Shared, Durability::Async);
    let (section, _) = certificate(data.path());
    let trusted = section.certificate.clone();
    config.tls = Some(section);
    let engine = start(&config, &data.path().join("data"));
    let (plain, secure) =
        (engine.order_entry.expect("it listens"), engine.order_entry_tls.expect("it listens"));
    let to =
        |address, name| Endpoint { address, tls: Some(TlsClient::new(&trusted, name).expect("settings")) };
    let mut alice = Client::connect(to(secure, "localhost"), &who("alice"), Start::Now).expect("logs in");
    // More than TLS and the sockets hold, so that both sides have to go on where they stopped.
    const ORDERS: u32 = 5_000;
    let order = NewOrder::buy(SYMBOL, 100).limit(5_000_000).immediate_or_cancel();
    for user_ref in 1..=ORDERS {
        assert_eq!(alice.enter(&order).expect("sent"), UserRef(user_ref));
    }
    for user_ref in 1..=ORDERS {
        assert!(
            matches!(next(&mut alice).event, ClientEvent::Accepted(terms) if terms.user_ref.0 == user_ref)
        );
        assert!(matches!(next(&mut alice).event, ClientEvent::Canceled { .. }));
    }
    // The whole stream once more, which comes as fast as it can.
    let mark = Bookmark { sequence: 1, ..alice.bookmark() };
    let mut again =
        Client::connect(to(secure, "localhost"), &who("alice"), Start::At(mark)).expect("logs in");
    let last = alice.bookmark().sequence - 1;
    while next(&mut again).sequence < last {}
    let gone = alice.next_event(PATIENCE);
    assert!(matches!(gone, Err(ClientError::Closed(_))), "taken over: {gone:?}");
    again.log_out();

    for (address, name, why) in [
        (secure, "elsewhere", "not valid for name"),
        (plain, "localhost", "the server closed the connection"),
    ] {
        let refused = Client::connect(to(address, name), &who("alice"), Start::Now).map(drop);
        let refused = refused.expect_err("refused").to_string();
        assert!(refused.contains(why), "{refused}");
    }
    // A server whose certificate nobody vouches for is none to try again.
    let other = TempDir::new().expect("a temporary directory");
    let (other, _) = certificate(other.path());
    let tls = TlsClient::new(&other.certificate, "localhost").expect("settings");
    let refused =
        Client::connect(Endpoint { address: secure, tls: Some(tls) }, &who("alice"), Start::Now).map(drop);
    assert!(matches!(&refused, Err(error @ ClientError::Tls(_)) if !error.is_disconnect()), "{refused:?}");
    for (file, name, why) in [
        (data.path().join("none.pem"), "localhost", "none.pem"),
        (data.path().join("tls.key"), "localhost", "there is no certificate in it"),
        (trusted.clone(), "no name", "neither a host name nor an IP address"),
    ] {
        let refused = TlsClient::new(&file, name).expect_err("refused").to_string();
        assert!(refused.contains(why), "{refused}");
    }
    engine.stop().expect("an orderly end");
}
