//! A funding of more positions than one tick may charge.

use super::fundings::setting;
use super::venue::{ASSETS, CONTRACTS, INDEX, INVERSE, LINEAR, LOGIN_ACCOUNTS, Setting, risk};
use super::{Run, TestCaseError, touched_at_most};
use dojima::domain::{
    AccountId, AdminCommand, Amount, ClockCommand, Command, ContractCommand, ContractEvent, Enter, Event,
    InstrumentId, LoginId, LoginName, OrderCommand, OrderPrice, Quantity, SetContractRisk, SetIndex, ShardId,
    Side, Stamp, TimeInForce, Timestamp, Transfer, UserRef, VenueCommand,
};
use proptest::prelude::*;

const SECOND: u64 = 1_000_000_000;
/// Accounts 1 to 1,200 have lots of the linear contract each, the first 400 of them of the inverse one too.
const HOLDERS: u32 = 1_200;
const OF_BOTH: u32 = 400;

struct Crowd {
    run: Run,
    now: u64,
    used: Vec<u32>,
}

/// The login of an account that no trader has.
fn login(account: u32) -> LoginId {
    LoginId(LOGIN_ACCOUNTS.len() as u32 + account - 1)
}

impl Crowd {
    fn opened() -> Result<Self, TestCaseError> {
        let setting = Setting { idle: HOLDERS, ..setting([[0, 0], [0, 0]]) };
        let run = Run::opened(true, setting, touched_at_most(5_000))?;
        let used = vec![0; (LOGIN_ACCOUNTS.len() as u32 + HOLDERS) as usize];
        let mut crowd = Self { run, now: 1, used };
        for instrument in CONTRACTS {
            let limit = 10_000;
            let set = SetContractRisk { open_interest_limit: limit, ..risk(instrument) };
            crowd.apply(Command::Contract(ContractCommand::SetContractRisk(set)))?;
        }
        for account in (1..=HOLDERS).map(AccountId) {
            let (login, name) = (login(account.0), LoginName::default());
            crowd.apply(Command::Venue(VenueCommand::OpenLogin { login, account, name }))?;
            for asset in ASSETS {
                let (amount, shard) = (Amount(10_000_000), ShardId::FIRST);
                let of = Transfer { account, asset, amount, reference: 1 + u64::from(asset.0), shard };
                crowd.apply(Command::Admin(AdminCommand::Deposit(of)))?;
            }
        }
        Ok(crowd)
    }

    fn apply(&mut self, command: Command) -> Result<Vec<Event>, TestCaseError> {
        let stamp = Stamp { sequence: 0, time: Timestamp(self.now) };
        self.run.apply(stamp, &command, false)
    }

    fn order(
        &mut self,
        login: LoginId,
        instrument: InstrumentId,
        side: Side,
        lots: u64,
        ticks: i64,
    ) -> Result<Vec<Event>, TestCaseError> {
        let used = &mut self.used[login.0 as usize];
        *used += 1;
        let user_ref = UserRef(*used);
        self.apply(Command::Order(OrderCommand::Enter(Enter {
            login,
            user_ref,
            instrument,
            side,
            time_in_force: TimeInForce::GoodTillCancel,
            price: OrderPrice::Limit(ticks * 5),
            quantity: Quantity(lots),
            ..Enter::default()
        })))
    }

    fn tick(&mut self) -> Result<Vec<Event>, TestCaseError> {
        self.apply(Command::Clock(ClockCommand::Tick))
    }

    fn index(&mut self) -> Result<(), TestCaseError> {
        let set = SetIndex { index: INDEX, price: 750, source_time: Timestamp(self.now) };
        self.apply(Command::Contract(ContractCommand::SetIndex(set))).map(drop)
    }
}

fn charged(events: &[Event]) -> Vec<(u32, InstrumentId)> {
    let charged = events.iter().filter_map(|event| match event {
        Event::Contract(ContractEvent::FundingPaid(paid)) => Some((paid.account.0, paid.instrument)),
        _ => None,
    });
    charged.collect()
}

fn of(instrument: InstrumentId, accounts: impl Iterator<Item = u32>) -> Vec<(u32, InstrumentId)> {
    accounts.map(|account| (account, instrument)).collect()
}

#[test]
fn a_funding_of_more_positions_than_a_tick_may_charge() -> Result<(), TestCaseError> {
    let mut crowd = Crowd::opened()?;
    for (instrument, holders, lots) in [(LINEAR, HOLDERS, 2), (INVERSE, OF_BOTH, 4)] {
        for short in (1..holders).step_by(2) {
            crowd.order(login(short), instrument, Side::Sell, lots, 150)?;
            crowd.order(login(short + 1), instrument, Side::Buy, lots, 150)?;
        }
        crowd.order(LoginId(1), instrument, Side::Buy, 30, 152)?;
        crowd.order(LoginId(1), instrument, Side::Sell, 30, 154)?;
    }
    for _ in 0..20 {
        crowd.now += SECOND;
        crowd.index()?;
        crowd.tick()?;
    }
    crowd.now = 7_200 * SECOND;
    let set = crowd.tick()?;
    let is_set = |event: &&Event| matches!(event, Event::Contract(ContractEvent::FundingSet(_)));
    prop_assert_eq!(set.iter().filter(is_set).count(), 2, "{:?}", set);
    prop_assert!(charged(&set).is_empty());
    crowd.now += 1;
    crowd.index()?;
    // Accounts by their ids, 1,000 of them.
    let swept = crowd.tick()?;
    prop_assert_eq!(charged(&swept), of(LINEAR, 1..=1_000));
    // One takes money out, and two trade: the buyer is charged first.
    let (account, asset, shard) = (AccountId(1_150), ASSETS[1], ShardId::FIRST);
    let out = Transfer { account, asset, amount: Amount(1), reference: 5, shard };
    let events = crowd.apply(Command::Admin(AdminCommand::Withdraw(out)))?;
    prop_assert_eq!(charged(&events), [(1_150, LINEAR)]);
    crowd.order(login(1_101), LINEAR, Side::Sell, 2, 153)?;
    let events = crowd.order(login(1_102), LINEAR, Side::Buy, 2, 153)?;
    prop_assert_eq!(charged(&events), [(1_102, LINEAR), (1_101, LINEAR)]);
    // What is left of it, and all of the other one.
    let rest = crowd.tick()?;
    let left = (1_001..=HOLDERS).filter(|account| ![1_101, 1_102, 1_150].contains(account));
    prop_assert_eq!(charged(&rest), [of(LINEAR, left), of(INVERSE, 1..=OF_BOTH)].concat());
    let closed = swept.iter().chain(&rest).filter_map(|event| match event {
        Event::Contract(ContractEvent::FundingClosed { instrument, legs, .. }) => Some((*instrument, *legs)),
        _ => None,
    });
    prop_assert_eq!(closed.collect::<Vec<_>>(), [(LINEAR, HOLDERS), (INVERSE, OF_BOTH)]);
    let stamp = Stamp { sequence: 0, time: Timestamp(crowd.now) };
    crowd.run.apply(stamp, &Command::Clock(ClockCommand::Tick), true)?;
    Ok(())
}
