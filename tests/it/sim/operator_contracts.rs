//! What operators do about contracts: prices and terms of indexes, risk, tiers, money for the fund, marks of halted contracts,
//! settlements, and what they set for owners.

use super::private_messages::near;
use super::random::Random;
use super::venue::{DATED, ETH_PERP, INDEXES, Venue};
use dojima::domain::{
    AccountId, AdminCommand, Amount, AssetId, Command, ContractCommand, DepositFund, IndexId, IndexTerms,
    InstrumentId, MarginMode, MoveMargin, OwnerCommand, Phase, PositionLeg, Ppm, Price, SetContract,
    SetContractRisk, SetIndex, SetLeverage, SetMarginMode, SetMarginTier, Setter, ShardId, Timestamp,
};

/// The operators who see to contracts.
pub struct ContractDesk {
    random: Random,
    venue: Venue,
    /// The reference of the last deposit into a fund.
    reference: u64,
    /// The rows of a table that is being sent, the next one last.
    rows: Vec<SetMarginTier>,
}

fn contract(command: ContractCommand) -> Command {
    Command::Contract(command)
}

impl ContractDesk {
    pub fn new(venue: Venue, random: Random) -> Self {
        Self { random, venue, reference: 10, rows: Vec::new() }
    }

    /// The next command; `amends`: what will put right again what it does.
    pub fn command(&mut self, time: u64, amends: &mut Vec<Command>) -> Command {
        if let Some(row) = self.rows.pop() {
            return contract(ContractCommand::SetMarginTier(row));
        }
        let random = &mut self.random;
        let markets = self.venue.markets();
        let middle_of =
            |id: InstrumentId| (markets[id.0 as usize].middle / markets[id.0 as usize].tick).cast_signed();
        let instrument = InstrumentId(2 + random.below(4) as u32);
        let (middle, is_perpetual) = (middle_of(instrument), instrument != DATED);
        let by = Setter { account: AccountId(1 + random.below(4) as u32), ..Setter::default() };
        match random.below(44) {
            0..8 => {
                let index = random.below(INDEXES.len() as u64) as u16;
                let price = near(random, INDEXES[usize::from(index)]).min(u64::from(u32::MAX)) as u32;
                let source_time = Timestamp(time + random.pick(&[0, 1, 100, 2_000]) * 1_000_000);
                let index = IndexId(if random.once_in(10) { 9 } else { index });
                contract(ContractCommand::SetIndex(SetIndex { index, price, source_time }))
            }
            8..11 => {
                let terms = IndexTerms {
                    stale_after_ms: random.pick(&[500, 1_000, 5_000, 60_000, 60_000]) as u32,
                    grace_s: random.below(3) as u32,
                    jump: Ppm(random.pick(&[0, 2_000, 50_000]) as u32),
                };
                contract(ContractCommand::SetIndexTerms { index: IndexId(random.below(2) as u16), terms })
            }
            11 | 12 => {
                self.reference += 1;
                let reference = self.reference - random.pick(&[0, 0, 0, 2]);
                let asset = AssetId(random.pick(&[0, 1, 2, 2]) as u16);
                let shard = ShardId(random.pick(&[0, 1, 1, 1]) as u8);
                let amount = Amount(random.below(5_000_000_000) as i64);
                contract(ContractCommand::DepositFund(DepositFund { asset, shard, amount, reference }))
            }
            13..17 => contract(ContractCommand::SetContractRisk(risk(random, instrument, is_perpetual))),
            17..20 => {
                self.rows = rows(random, instrument);
                let first = self.rows.pop().expect("a table has a row");
                contract(ContractCommand::SetMarginTier(first))
            }
            20 => contract(ContractCommand::SetContract(SetContract {
                instrument,
                index: IndexId(u16::from(instrument == ETH_PERP)),
                expiry: 0,
                funding_interval_s: 3_600,
                price_min: (markets[instrument.0 as usize].middle / random.pick(&[2, 3])) as u32,
                price_max: (markets[instrument.0 as usize].middle * 2) as u32,
            })),
            21..28 if self.venue.is_after_expiry(time) || random.once_in(20) => {
                // It waits for this if there were too few samples.
                contract(ContractCommand::SettleContract {
                    instrument: DATED,
                    price: settlement(random, middle_of(DATED)),
                })
            }
            28 => {
                let price = settlement(random, middle);
                let settle = contract(ContractCommand::SettleContract { instrument, price });
                if !random.once_in(2) {
                    return settle;
                }
                // Closed out, for good.
                amends.push(settle);
                Command::Admin(AdminCommand::SetPhase { instrument, phase: Phase::Halted })
            }
            29..31 => {
                // A mark is set while the contract stands still.
                let spread = middle.cast_unsigned() / 30;
                let price = Price(middle + random.below(spread).cast_signed() - spread.cast_signed() / 2);
                let goes_on = AdminCommand::SetPhase { instrument, phase: Phase::Continuous };
                amends.push(Command::Admin(goes_on));
                amends.push(Command::Admin(AdminCommand::SetMark { instrument, price }));
                Command::Admin(AdminCommand::SetPhase { instrument, phase: Phase::Halted })
            }
            31 => Command::Admin(AdminCommand::Delist { instrument }),
            32..35 => {
                let leverage = random.pick(&[0, 1, 5, 20, 50]) as u8;
                Command::Owner(OwnerCommand::SetLeverage(SetLeverage { by, instrument, leverage }))
            }
            35..38 => {
                let mode = random.pick(&[MarginMode::Cross, MarginMode::Isolated]);
                Command::Owner(OwnerCommand::SetMarginMode(SetMarginMode { by, instrument, mode }))
            }
            // It may be closed since its index had no price.
            21..28 | 40.. => Command::Admin(AdminCommand::SetPhase { instrument, phase: Phase::Continuous }),
            _ => {
                let amount = Amount(random.below(2_000_000_000).cast_signed() - 1_000_000_000);
                let leg = PositionLeg::Net;
                Command::Owner(OwnerCommand::MoveMargin(MoveMargin { by, instrument, leg, amount }))
            }
        }
    }
}

/// A price at which positions are closed, ticks; one that is far from the others leaves accounts below 0.
fn settlement(random: &mut Random, middle: i64) -> Price {
    let spread = middle.cast_unsigned() / random.pick(&[300, 2, 2]);
    let price = middle + random.below(spread).cast_signed() - spread.cast_signed() / 2;
    Price(if random.once_in(12) { 0 } else { price })
}

fn risk(random: &mut Random, instrument: InstrumentId, is_perpetual: bool) -> SetContractRisk {
    SetContractRisk {
        instrument,
        interest_ppb: if is_perpetual { random.pick(&[0, 100_000, 1_000_000]) } else { 0 },
        impact_lots: random.pick(&[1, 20, 300]) as u32,
        mark_band: Ppm(random.pick(&[1_000, 50_000]) as u32),
        first_band: Ppm(100_000),
        premium_band: Ppm(random.pick(&[2_000, 20_000]) as u32),
        outer_band: Ppm(50_000),
        liquidation_fee: Ppm(random.pick(&[0, 2_000, 60_000]) as u32),
        collar: Ppm(20_000),
        adl_after: 60,
        position_limit: random.pick(&[1_500, 100_000]) as u32,
        open_interest_limit: random.pick(&[1_500, 100_000, 900_000]) as u32,
        ..SetContractRisk::default()
    }
}

/// A table of tiers, its first row last; now and then one that does not hold.
fn rows(random: &mut Random, instrument: InstrumentId) -> Vec<SetMarginTier> {
    let of = 1 + random.below(3) as u8;
    let first = random.pick(&[10_000, 20_000, 50_000]) as u32;
    let rows = (0..of).map(|row| {
        let maintenance = first << row;
        SetMarginTier {
            instrument,
            row,
            of,
            floor: Amount(i64::from(row) * 50_000_000_000_000),
            initial: Ppm(2 * maintenance),
            maintenance: Ppm(maintenance),
        }
    });
    let mut rows: Vec<_> = rows.rev().collect();
    if random.once_in(6) {
        rows.swap_remove(0);
        rows.push(SetMarginTier { instrument, row: 1, of, ..SetMarginTier::default() });
    }
    rows
}
