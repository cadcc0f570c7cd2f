//! Commands that no honest client sends: none may panic, break an invariant or make endless work.

pub mod numbers;

use super::properties::{cases, contracts, opening};
use super::{apply, apply_at};
use crate::support::venue;
use dojima::domain::{
    AccountId, AdminCommand, AdminEvent, Amount, AssetCode, AssetId, CancelReason, ClockCommand, Command,
    Enter, Event, ListInstrument, LoginId, LoginName, OrderCommand, OrderEvent, OrderPrice, Phase, Quantity,
    ShardId, Side, Stamp, Symbol, Timestamp, Transfer, UserRef, VenueCommand,
};
use dojima::exchange::Exchange;
use numbers::any_command;
use proptest::prelude::*;

const LOGIN: LoginId = LoginId(0);
const COIN: AssetId = AssetId(0);
const CASH: AssetId = AssetId(1);

/// One account with this much cash and a million coins, one instrument without fees; a tick on a lot is one cent.
fn self_trader(cash: i64) -> Exchange {
    let mut exchange = venue::exchange(100);
    let code = |text| AssetCode::new(text).expect("a code");
    let deposit = |asset, amount, reference| {
        Command::Admin(AdminCommand::Deposit(Transfer {
            account: AccountId(0),
            asset,
            amount: Amount(amount),
            reference,
            shard: ShardId::FIRST,
        }))
    };
    let terms = ListInstrument {
        symbol: Symbol::new("COIN").expect("a symbol"),
        base: COIN,
        quote: CASH,
        tick_units: 1,
        lot: Amount(1),
        min_quantity: Quantity(1),
        max_quantity: Quantity(1_000_000),
        phase: Phase::Continuous,
        ..ListInstrument::default()
    };
    let commands = [
        Command::Admin(AdminCommand::AddAsset { asset: COIN, code: code("COIN"), scale: 0 }),
        Command::Admin(AdminCommand::AddAsset { asset: CASH, code: code("CASH"), scale: 0 }),
        Command::Venue(VenueCommand::OpenAccount { account: AccountId(0) }),
        Command::Venue(VenueCommand::OpenLogin {
            login: LOGIN,
            account: AccountId(0),
            name: LoginName::default(),
        }),
        Command::Admin(AdminCommand::ListInstrument(terms)),
        deposit(COIN, 1_000_000, 1),
        deposit(CASH, cash, 2),
    ];
    for command in commands {
        assert!(
            !matches!(apply(&mut exchange, &command)[..], [Event::Admin(AdminEvent::Refused { .. })]),
            "{command:?}"
        );
    }
    exchange
}

fn enter(user_ref: u32, side: Side, price: OrderPrice, quantity: u64) -> Command {
    Command::Order(OrderCommand::Enter(Enter {
        login: LOGIN,
        user_ref: UserRef(user_ref),
        side,
        price,
        quantity: Quantity(quantity),
        ..Enter::default()
    }))
}

/// An account that buys from itself gets its own money back; it must pay before it is paid, or for a moment it would
/// hold more than there is.
#[test]
fn whoever_holds_all_the_money_there_can_be_may_trade_with_itself() {
    let mut exchange = self_trader(i64::MAX);
    apply(&mut exchange, &enter(1, Side::Sell, OrderPrice::Limit(1), 1_000));
    let events = apply(&mut exchange, &enter(2, Side::Buy, OrderPrice::Market, 1_000));
    assert!(
        matches!(events[..], [Event::Order(OrderEvent::Accepted(_)), Event::Order(OrderEvent::Executed(_))]),
        "{events:?}"
    );
    assert_eq!(exchange.audit(), Ok(()));
    assert_eq!(exchange.balance(AccountId(0), CASH).expect("known").available, Amount(i64::MAX));
}

/// Money that comes back from a trade with oneself must not feed the same market order again and again: here that
/// would be a million trades of one lot from a single command.
#[test]
fn a_market_buy_ends_where_its_money_first_falls_short() {
    let mut exchange = self_trader(1);
    apply(&mut exchange, &enter(1, Side::Sell, OrderPrice::Limit(1), 1_000_000));
    let events = apply(&mut exchange, &enter(2, Side::Buy, OrderPrice::Market, 1_000_000));
    let [
        Event::Order(OrderEvent::Accepted(_)),
        Event::Order(OrderEvent::Executed(trade)),
        Event::Order(OrderEvent::Canceled(rest)),
    ] = events[..]
    else {
        panic!("{} events", events.len());
    };
    assert_eq!((trade.quantity, rest.decrement), (Quantity(1), Quantity(999_999)));
    assert_eq!(rest.reason, CancelReason::FundsExhausted);
    assert_eq!(exchange.audit(), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(500), ..ProptestConfig::default() })]

    /// Whatever numbers a command carries: no panic, and every invariant holds after it.
    #[test]
    fn no_number_breaks_an_invariant(
        opened in 0_u8..3,
        commands in prop::collection::vec(any_command(), 1..120),
    ) {
        let mut exchange = venue::exchange(16);
        let commands_before = match opened {
            0 => Vec::new(),
            1 => opening([1_000_000, 3, 0, 999_999]),
            _ => contracts::opening(contracts::ALONE),
        };
        commands_before.iter().for_each(|command| drop(apply(&mut exchange, command)));
        let mut now = 0_u64;
        for (wait, command) in &commands {
            now = now.saturating_add(*wait);
            let stamp = Stamp { sequence: 0, time: Timestamp(now) };
            let events = apply_at(&mut exchange, stamp, command);
            prop_assert!(*command == Command::Clock(ClockCommand::Tick) || !events.is_empty(), "{command:?} has no answer");
            prop_assert_eq!(exchange.audit(), Ok(()), "after {:?}", command);
        }
    }
}
