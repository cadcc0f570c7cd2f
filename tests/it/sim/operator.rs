//! What operators do meanwhile: phases, kill switches, money in and out, marks, terms, limits of logins. Nobody waits for an answer, and a crash
//! may lose any of it.

use super::operator_contracts::ContractDesk;
use super::private_messages::{transfer_reference, two_shards};
use super::random::Random;
use super::venue::Venue;
use dojima::domain::{
    AccountId, AdminCommand, Amount, AssetCode, AssetId, CancelFilter, ClockCommand, Command, ConnectionLoss,
    FeeRate, FeeTier, InstrumentId, KillScope, LimitScope, LoginId, LoginName, MassCancel, OrderCommand,
    OrderId, OrderLimits, Phase, Price, Quantity, SetFees, SetTerms, ShardId, Switch, Transfer, TransferOut,
    VenueCommand,
};

/// Accounts with logins; 0 is the venue's own.
const ACCOUNTS: u64 = 4;

/// All operators.
pub struct Operator {
    random: Random,
    venue: Venue,
    contracts: ContractDesk,
    /// What puts right again what was done.
    amends: Vec<Command>,
}

impl Operator {
    pub fn new(venue: Venue, mut random: Random) -> Self {
        let contracts = ContractDesk::new(venue, random.fork());
        Self { random, venue, contracts, amends: Vec::new() }
    }

    /// The next command; `time` is that of the exchange, ns since 1970.
    pub fn command(&mut self, last_order: u64, time: u64) -> Command {
        let amends = self.amends.len() as u64;
        if amends > 0 && !self.random.once_in(3) {
            return self.amends.swap_remove(self.random.below(amends) as usize);
        }
        if self.venue.has_contracts() && self.random.once_in(2) {
            return self.contracts.command(time, &mut self.amends);
        }
        let reference = transfer_reference(&mut self.random, time);
        let random = &mut self.random;
        let instrument = InstrumentId(random.below(self.venue.markets().len() as u64) as u32);
        // The one who sends prices has a login too.
        let logins = ACCOUNTS as u32 + 1 + u32::from(self.venue.has_contracts());
        let account = AccountId(1 + random.below(ACCOUNTS) as u32);
        match random.below(43) {
            0..7 => {
                self.amends
                    .push(Command::Admin(AdminCommand::SetPhase { instrument, phase: Phase::Continuous }));
                Command::Admin(AdminCommand::SetPhase { instrument, phase: phase(random) })
            }
            7 => self.kill(KillScope::Account(account)),
            8 => self.kill(KillScope::Venue),
            9..15 => {
                let asset = AssetId(random.below(3) as u16);
                let amount = Amount(1 + random.below(500_000_000) as i64);
                let transfer = Transfer {
                    account,
                    asset,
                    amount,
                    reference,
                    // Now and then one that there is not.
                    shard: ShardId(random.pick(&[0, 0, 1]) as u8),
                };
                if random.once_in(2) {
                    Command::Admin(AdminCommand::Deposit(transfer))
                } else {
                    Command::Admin(AdminCommand::Withdraw(transfer))
                }
            }
            15..17 => Command::Admin(AdminCommand::SetMark {
                instrument,
                price: Price(1 + random.below(6_000_000) as i64),
            }),
            17..20 => Command::Order(OrderCommand::CancelOrder {
                order: OrderId(last_order.saturating_sub(random.below(50))),
            }),
            20..22 => Command::Admin(AdminCommand::SetFees(SetFees {
                instrument,
                tier: FeeTier(0),
                maker: FeeRate(random.below(600) as i32 - 100),
                taker: FeeRate(200 + random.below(1_000) as i32),
            })),
            22..24 => Command::Admin(AdminCommand::SetTerms(SetTerms {
                instrument: InstrumentId(1),
                tick_units: random.pick(&[1, 5, 10]),
                lot: Amount(10_000),
                min_quantity: Quantity(1 + random.below(5)),
                max_quantity: Quantity(100_000_000),
                min_notional: Amount(100_000_000),
            })),
            24 => Command::Order(OrderCommand::MassCancel(MassCancel {
                filter: CancelFilter { instrument: Some(instrument), ..CancelFilter::default() },
                ..MassCancel::default()
            })),
            25 => Command::Order(OrderCommand::CancelLogin {
                login: LoginId(random.below(ACCOUNTS) as u32),
                cause: ConnectionLoss::Disconnected,
            }),
            26..28 => {
                let scope = LimitScope::Login(LoginId(random.below(ACCOUNTS) as u32));
                let limits = OrderLimits {
                    quantity_max: Quantity(random.pick(&[0, 2_000, 100_000])),
                    notional_max: Amount(random.pick(&[0, 50_000_000_000_000_i64])),
                    open_orders_max: random.pick(&[0, 3, 12]) as u32,
                    ..OrderLimits::default()
                };
                self.amends.push(Command::Admin(AdminCommand::SetOrderLimits {
                    scope,
                    limits: OrderLimits::default(),
                }));
                Command::Admin(AdminCommand::SetOrderLimits { scope, limits })
            }
            29 => Command::Venue(VenueCommand::ResetUserRef {
                login: LoginId(random.below(ACCOUNTS + 1) as u32),
            }),
            33 => Command::Venue(VenueCommand::CopyAccount {
                login: LoginId(random.below(ACCOUNTS + 1) as u32),
                account,
            }),
            // Tables grow by the next id only, and by no name twice.
            34 => Command::Venue(VenueCommand::OpenAccount {
                account: AccountId(ACCOUNTS as u32 + 1 + random.below(3) as u32),
            }),
            35 => Command::Admin(AdminCommand::AddAsset {
                asset: AssetId(3 + random.below(3) as u16),
                code: AssetCode::new(random.pick(&["BTC", "SOL", "XRP"])).expect("a code"),
                scale: 8,
            }),
            37..43 => {
                let (from, to) = two_shards(random);
                Command::Order(OrderCommand::TransferOut(TransferOut {
                    account,
                    asset: AssetId(random.below(3) as u16),
                    amount: Amount(random.below(500_000_000) as i64),
                    from,
                    to,
                    reference,
                    ..TransferOut::default()
                }))
            }
            36 => Command::Venue(VenueCommand::OpenLogin {
                login: LoginId(logins + random.below(3) as u32),
                account,
                name: LoginName::new(random.pick(&["ALICE", "EVE", "MALORY"])).expect("a name"),
            }),
            28 => Command::Venue(VenueCommand::SetRules { edition: random.pick(&[1, 2]) as u16 }),
            _ => Command::Clock(ClockCommand::Tick),
        }
    }

    fn kill(&mut self, scope: KillScope) -> Command {
        self.amends.push(Command::Admin(AdminCommand::Kill { scope, switch: Switch::Off }));
        Command::Admin(AdminCommand::Kill { scope, switch: Switch::On })
    }
}

fn phase(random: &mut Random) -> Phase {
    random.pick(&[
        Phase::Halted,
        Phase::CancelOnly,
        Phase::Closed,
        Phase::PreOpen,
        Phase::OpeningAuction,
        Phase::OpeningAuction,
        Phase::ClosingAuction,
    ])
}
