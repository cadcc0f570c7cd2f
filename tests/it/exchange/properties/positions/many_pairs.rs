//! An account with as many positions as it may have: a long and a short one in each of 32 contracts.

use super::venue::{ASSETS, INDEX, LINEAR, Setting, opening, risk, tiers};
use super::{TestCaseError, engine, touched_at_most};
use crate::support::naive::NaiveVenue;
use dojima::domain::{
    AccountId, AddIndex, AdminCommand, Amount, Command, ContractCommand, Effect, Enter, Event, FeeRate,
    IndexId, IndexTerms, Instructions, InstrumentId, ListInstrument, LoginId, OrderCommand, OrderEvent,
    OrderPrice, Phase, Ppm, Product, Quantity, RejectReason, Rejected, SetContract, SetContractRisk,
    SetIndex, SetMarginTier, ShardId, Side, Stamp, Symbol, TimeInForce, Timestamp, UserRef,
};
use dojima::exchange::Shards;
use proptest::prelude::*;

const CONTRACTS: u32 = 33;
/// That of the rich trader.
const LOGIN: LoginId = LoginId(1);
const ACCOUNT: AccountId = AccountId(1);

struct Both {
    engine: Shards,
    naive: NaiveVenue,
    used: u32,
}

impl Both {
    fn apply(&mut self, command: Command) -> Result<Vec<Event>, TestCaseError> {
        let stamp = Stamp { sequence: 0, time: Timestamp(1) };
        let events = self.naive.apply(stamp, &command);
        let mut ours = Vec::new();
        self.engine.apply(stamp, &command, &mut ours);
        prop_assert_eq!(&ours, &events, "after {:?}", command);
        Ok(events)
    }

    /// Why an order of five lots is refused, if it is.
    fn enter(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        effect: Effect,
    ) -> Result<Option<RejectReason>, TestCaseError> {
        self.used += 1;
        let ticks = if side == Side::Buy { 149 } else { 151 };
        let events = self.apply(Command::Order(OrderCommand::Enter(Enter {
            login: LOGIN,
            user_ref: UserRef(self.used),
            instrument,
            side,
            time_in_force: TimeInForce::GoodTillCancel,
            price: OrderPrice::Limit(ticks * 5),
            quantity: Quantity(5),
            instructions: Some(Instructions { effect, ..Instructions::NOTHING }),
            ..Enter::default()
        })))?;
        Ok(events.iter().find_map(|event| match event {
            Event::Order(OrderEvent::Rejected(Rejected { reason, .. })) => Some(*reason),
            _ => None,
        }))
    }
}

/// A linear contract with the terms of the first one, of an index that few others follow.
fn listed(id: u32) -> Vec<Command> {
    let (instrument, index) = (InstrumentId(id), IndexId(1 + (id / 16) as u16));
    let mut commands = Vec::new();
    if id == 2 || id.is_multiple_of(16) {
        let symbol = Symbol::new(&format!("INDEX{}", index.0)).expect("a symbol");
        let terms = IndexTerms { stale_after_ms: 10_000, grace_s: 5, jump: Ppm(0) };
        let added = AddIndex { index, symbol, price_decimals: 2, shard: ShardId::FIRST, terms };
        commands.push(Command::Contract(ContractCommand::AddIndex(added)));
        let set = SetIndex { index, price: 750, source_time: Timestamp(1) };
        commands.push(Command::Contract(ContractCommand::SetIndex(set)));
    }
    commands.push(Command::Admin(AdminCommand::ListInstrument(ListInstrument {
        instrument,
        symbol: Symbol::new(&format!("C{id}")).expect("a symbol"),
        base: ASSETS[0],
        quote: ASSETS[1],
        price_decimals: 2,
        tick_units: 5,
        lot: Amount(100),
        min_quantity: Quantity(2),
        max_quantity: Quantity(1_000),
        maker_fee: FeeRate(0),
        taker_fee: FeeRate(0),
        phase: Phase::Closed,
        product: Product::LinearPerpetual,
        ..ListInstrument::default()
    })));
    let set = SetContract { instrument, index, ..super::venue::terms(LINEAR) };
    commands.push(Command::Contract(ContractCommand::SetContract(set)));
    let set = SetContractRisk { instrument, ..risk(LINEAR) };
    commands.push(Command::Contract(ContractCommand::SetContractRisk(set)));
    commands.extend(tiers(LINEAR, 1).into_iter().map(|command| match command {
        Command::Contract(ContractCommand::SetMarginTier(tier)) => {
            Command::Contract(ContractCommand::SetMarginTier(SetMarginTier { instrument, ..tier }))
        }
        other => other,
    }));
    commands.push(Command::Admin(AdminCommand::SetPhase { instrument, phase: Phase::Continuous }));
    commands
}

/// The naive exchange counts positions, not contracts; one that has lots or orders already takes more.
#[test]
fn an_account_has_64_positions_at_most() -> Result<(), TestCaseError> {
    let limits = touched_at_most(5_000);
    let mut both = Both { engine: engine(limits), naive: NaiveVenue::new(limits), used: 0 };
    let setting = Setting { hedges: 1 << ACCOUNT.0, ..Setting::plain([[0, 0], [0, 0]]) };
    let more = (2..CONTRACTS).flat_map(listed);
    for command in opening(&setting).into_iter().chain(more) {
        let events = both.apply(command)?;
        let refused = matches!(events[..], [Event::Admin(dojima::domain::AdminEvent::Refused { .. })]);
        prop_assert!(!refused, "{:?}: {:?}", command, events);
    }
    prop_assert_eq!(INDEX, IndexId(0));
    let open = Effect::Open;
    for instrument in (0..CONTRACTS - 1).map(InstrumentId) {
        prop_assert_eq!(both.enter(instrument, Side::Buy, open)?, None);
        prop_assert_eq!(both.enter(instrument, Side::Sell, open)?, None);
    }
    let last = InstrumentId(CONTRACTS - 1);
    let too_many = Some(RejectReason::TooManyPositions);
    prop_assert_eq!(both.enter(last, Side::Buy, open)?, too_many);
    prop_assert_eq!(both.enter(last, Side::Sell, open)?, too_many);
    prop_assert_eq!(both.enter(LINEAR, Side::Buy, open)?, None);
    // Its orders to sell the first contract go: there is room for one position.
    let cancel = dojima::domain::Cancel { login: LOGIN, user_ref: UserRef(2), ..Default::default() };
    both.apply(Command::Order(OrderCommand::Cancel(cancel)))?;
    prop_assert_eq!(both.enter(last, Side::Sell, open)?, None);
    prop_assert_eq!(both.enter(last, Side::Buy, open)?, too_many);
    Ok(())
}
