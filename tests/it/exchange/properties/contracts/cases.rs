//! What runs about contracts must come to, beyond each event and each reason.

use crate::support::naive::Naive;
use dojima::domain::{
    AdminCommand, AdminEvent, AssetId, ClockCommand, Command, ContractCommand, ContractEvent, Event,
    SetIndex, Stamp,
};

pub const CONTRACT_CASES: [&str; 14] = [
    "a jump of an index that a second price near it makes good",
    "a held price that another one replaces",
    "a held price that one near the last drops",
    "a grace that begins with a first price",
    "a grace that begins after an index was stale",
    "an index price that moves several marks",
    "a mark at the end of its range",
    "a mark that stands while its index moves",
    "a mark that stands over a tick in a halt",
    "a mark that a tick lets go",
    "a first table of tiers that moves a mark",
    "a table of several rows that replaces another",
    "terms that move a mark",
    "a fund in what inverse contracts settle in",
];

/// Which of the cases a command was.
pub fn cases(before: &Naive, stamp: Stamp, command: &Command, events: &[Event]) -> Vec<&'static str> {
    let [
        jumps,
        held_again,
        dropped,
        first_grace,
        grace,
        several,
        at_end,
        stands,
        halted,
        let_go,
        first_table,
        next_table,
        by_terms,
        other_fund,
    ] = CONTRACT_CASES;
    let mut found = Vec::new();
    let mut add = |case, is: bool| found.extend(is.then_some(case));
    let marks = events.iter().filter_map(|event| match event {
        Event::Admin(AdminEvent::MarkSet { instrument, price }) => Some((*instrument, *price)),
        _ => None,
    });
    let marks: Vec<_> = marks.collect();
    let is_sampled = *command == Command::Clock(ClockCommand::Tick);
    let moved = |instrument| marks.iter().any(|(of, _)| *of == instrument);
    let standing = before.standing_marks();
    if let Command::Contract(ContractCommand::SetIndex(SetIndex { index, price, .. })) = command
        && let Some(index) = before.index_state(*index, stamp.time.0)
    {
        let taken = events.iter().find_map(|event| match event {
            Event::Contract(ContractEvent::IndexSet(set)) => Some(set),
            _ => None,
        });
        let held =
            events.iter().any(|event| matches!(event, Event::Contract(ContractEvent::IndexHeld { .. })));
        let is_far = index.last.is_some_and(|last| index.jump > 0 && jump(last, *price) > index.jump);
        add(jumps, taken.is_some() && is_far);
        add(held_again, held && index.held.is_some());
        add(dropped, taken.is_some() && !is_far && index.jump > 0 && index.held.is_some());
        let begins = taken.is_some_and(|set| set.grace_until.0 > index.grace_until);
        add(first_grace, begins && index.last.is_none());
        add(grace, begins && index.last.is_some() && index.is_stale);
        add(several, marks.len() > 1);
        let follow = |instrument| before.index_of(instrument) == taken.map(|set| set.index);
        add(stands, standing.iter().any(|instrument| follow(*instrument)));
    }
    add(at_end, marks.iter().any(|(instrument, price)| before.is_end_of_range(*instrument, price.0)));
    let in_halt = |instrument| before.phase(instrument) == dojima::domain::Phase::Halted;
    add(halted, is_sampled && standing.iter().any(|instrument| in_halt(*instrument) && !moved(*instrument)));
    add(let_go, is_sampled && standing.iter().any(|instrument| moved(*instrument)));
    let table = events.iter().find_map(|event| match event {
        Event::Contract(ContractEvent::MarginTiersSet { instrument, rows }) => Some((*instrument, *rows)),
        _ => None,
    });
    if let Some((instrument, rows)) = table {
        add(first_table, !marks.is_empty() && before.tiers_of(instrument) == 0);
        add(next_table, rows > 1 && before.tiers_of(instrument) > 0);
    }
    add(by_terms, !marks.is_empty() && matches!(command, Command::Admin(AdminCommand::SetTerms(_))));
    let is_other = |event: &Event| matches!(event, Event::Contract(ContractEvent::FundChanged(fund)) if fund.asset == AssetId(0));
    add(other_fund, events.iter().any(is_other));
    found
}

/// How far a price is from another, in millionths of that, rounded up.
fn jump(last: u32, price: u32) -> u32 {
    let apart = u64::from(last.abs_diff(price)) * 1_000_000;
    u32::try_from(apart.div_ceil(u64::from(last))).unwrap_or(u32::MAX)
}
