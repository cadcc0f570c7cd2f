//! After warm-up the exchange allocates nothing.

use super::properties::{ACCOUNTS, Clients, FEW_TICKS, drain, opening, plain};
use dojima::domain::{AccountId, Amount, AssetId, Command, Event, Stamp, Transfer};
use dojima::exchange::{Exchange, ExchangeLimits};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

/// Resting orders and levels to and fro: a fixed random sequence, whose first third is the warm-up.
#[test]
fn order_entry_allocates_nothing_after_warm_up() {
    let mut runner = TestRunner::deterministic();
    let mut exchange = Exchange::new(ExchangeLimits { orders_max: 64, ..ExchangeLimits::default() });
    let mut events = Vec::with_capacity(1_024);
    for command in opening([100, 200, 0, 300]) {
        exchange.apply(Stamp::default(), &command, &mut events);
    }
    // Enough of everything for the whole test, so that orders trade instead of being refused.
    for (account, asset) in (0..ACCOUNTS).flat_map(|account| [(account, 0), (account, 1)]) {
        let (account, amount) = (AccountId(account), Amount(1_000_000_000_000));
        let reference = 4 + u64::from(asset);
        let transfer = Transfer { account, asset: AssetId(asset), amount, reference };
        exchange.apply(Stamp::default(), &Command::Deposit(transfer), &mut events);
    }
    let mut clients = Clients::new();
    let (mut traded, mut allocated) = (0, 0);
    for at in 0..30_000 {
        let (stamp, command) =
            clients.command(&plain(FEW_TICKS).new_tree(&mut runner).expect("a step").current(), &exchange);
        if matches!(
            command,
            Command::SetPhase { .. } | Command::SetLimits { .. } | Command::Withdraw(_) | Command::Deposit(_)
        ) {
            continue;
        }
        if at % 200 == 0 {
            // Orders far from the price would stay for ever and fill the exchange up.
            drain(&mut exchange, stamp);
        }
        events.clear();
        let counted = allocation_counter::measure(|| exchange.apply(stamp, &command, &mut events));
        clients.note(&events);
        if at >= 10_000 {
            allocated += counted.count_total;
            traded += events.iter().filter(|event| matches!(event, Event::Executed(_))).count();
        }
    }
    assert!(traded > 1_000, "only {traded} trades");
    assert_eq!(allocated, 0);
}
