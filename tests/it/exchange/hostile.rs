//! Commands that no honest client sends: none may panic, break an invariant or make endless work.

use super::apply;
use super::properties::opening;
use dojima::domain::{
    AccountId, Amount, AssetCode, AssetId, Cancel, CancelReason, ClOrdId, Command, Echo, Enter, Event,
    FeeRate, InstrumentId, ListInstrument, LoginId, LoginName, OrderPrice, Phase, Quantity, RefuseEnter,
    RefuseReplace, RejectReason, Replace, Side, Symbol, TimeInForce, Transfer, UserRef,
};
use dojima::exchange::{Exchange, ExchangeLimits};
use proptest::prelude::*;

const LOGIN: LoginId = LoginId(0);
const COIN: AssetId = AssetId(0);
const CASH: AssetId = AssetId(1);

/// One account with this much cash and a million coins, one instrument without fees; a tick on a lot is one cent.
fn self_trader(cash: i64) -> Exchange {
    let mut exchange = Exchange::new(ExchangeLimits { orders_max: 100, ..ExchangeLimits::default() });
    let code = |text| AssetCode::new(text).expect("a code");
    let deposit = |asset, amount, reference| {
        Command::Deposit(Transfer { account: AccountId(0), asset, amount: Amount(amount), reference })
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
        Command::AddAsset { asset: COIN, code: code("COIN"), scale: 0 },
        Command::AddAsset { asset: CASH, code: code("CASH"), scale: 0 },
        Command::OpenAccount { account: AccountId(0) },
        Command::OpenLogin { login: LOGIN, account: AccountId(0), name: LoginName::default() },
        Command::ListInstrument(terms),
        deposit(COIN, 1_000_000, 1),
        deposit(CASH, cash, 2),
    ];
    for command in commands {
        assert!(!matches!(apply(&mut exchange, &command)[..], [Event::Refused { .. }]), "{command:?}");
    }
    exchange
}

fn enter(user_ref: u32, side: Side, price: OrderPrice, quantity: u64) -> Command {
    Command::Enter(Enter {
        login: LOGIN,
        user_ref: UserRef(user_ref),
        side,
        price,
        quantity: Quantity(quantity),
        ..Enter::default()
    })
}

/// An account that buys from itself gets its own money back; it must pay before it is paid, or for a moment it would
/// hold more than there is.
#[test]
fn whoever_holds_all_the_money_there_can_be_may_trade_with_itself() {
    let mut exchange = self_trader(i64::MAX);
    apply(&mut exchange, &enter(1, Side::Sell, OrderPrice::Limit(1), 1_000));
    let events = apply(&mut exchange, &enter(2, Side::Buy, OrderPrice::Market, 1_000));
    assert!(matches!(events[..], [Event::Accepted(_), Event::Executed(_)]), "{events:?}");
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
    let [Event::Accepted(_), Event::Executed(trade), Event::Canceled(rest)] = events[..] else {
        panic!("{} events", events.len());
    };
    assert_eq!((trade.quantity, rest.decrement), (Quantity(1), Quantity(999_999)));
    assert_eq!(rest.reason, CancelReason::FundsExhausted);
    assert_eq!(exchange.audit(), Ok(()));
}

/// Numbers at and around every edge.
fn edge() -> impl Strategy<Value = u64> {
    prop_oneof![
        8 => 0_u64..6,
        2 => any::<u64>(),
        2 => (0_u32..64, 0_u64..3).prop_map(|(shift, less)| (1_u64 << shift).wrapping_sub(less)),
        1 => Just(i64::MAX as u64),
        1 => Just(u64::MAX),
        1 => (0_u32..19).prop_map(|power| 10_u64.pow(power)),
    ]
}

fn any_command() -> impl Strategy<Value = Command> {
    let numbers = prop::collection::vec(edge(), 12);
    (0_u8..14, numbers, prop::bool::ANY, prop::bool::ANY).prop_map(|(which, n, one, other)| {
        let (login, user_ref) = (LoginId(n[0] as u32), UserRef(n[1] as u32));
        let (account, asset) = (AccountId(n[0] as u32), AssetId(n[2] as u16));
        let instrument = InstrumentId(n[3] as u32);
        let price = if one { OrderPrice::Limit(n[4]) } else { OrderPrice::Market };
        let side = if other { Side::Buy } else { Side::Sell };
        let quantity = Quantity(n[5]);
        let transfer = Transfer { account, asset, amount: Amount(n[6] as i64), reference: n[7] };
        let trading = if one { Phase::Continuous } else { Phase::Closed };
        let time_in_force =
            if n[8] % 4 == 0 { TimeInForce::ImmediateOrCancel } else { TimeInForce::GoodTillCancel };
        let reason = RejectReason::ALL[n[9] as usize % RejectReason::ALL.len()];
        let orig_user_ref = UserRef(n[10] as u32);
        let echo = Echo::default();
        match which {
            0 => Command::AddAsset { asset, code: AssetCode(n[4].to_le_bytes()), scale: n[5] as u8 },
            1 => Command::OpenAccount { account },
            2 => Command::OpenLogin { login: LoginId(n[1] as u32), account, name: LoginName::default() },
            3 => Command::ListInstrument(ListInstrument {
                instrument,
                symbol: Symbol(n[4].to_le_bytes()),
                base: AssetId(n[1] as u16),
                quote: asset,
                price_decimals: n[5] as u8,
                tick_units: n[6] as u32,
                lot: Amount(n[7] as i64),
                min_quantity: Quantity(n[8]),
                max_quantity: Quantity(n[9]),
                min_notional: Amount(n[10] as i64),
                maker_fee: FeeRate(n[11] as i32),
                taker_fee: FeeRate(n[0] as i32),
                phase: trading,
                ..ListInstrument::default()
            }),
            4 => Command::SetPhase { instrument, phase: trading },
            5 => Command::Deposit(transfer),
            6 => Command::Withdraw(transfer),
            7 => Command::Open { config_digest: n[0] },
            8 => Command::RefuseEnter(RefuseEnter { login, user_ref, reason, cl_ord_id: echo.cl_ord_id }),
            9 => Command::RefuseReplace(RefuseReplace {
                login,
                orig_user_ref,
                user_ref,
                reason,
                cl_ord_id: ClOrdId::default(),
            }),
            10 => Command::Cancel(Cancel { login, user_ref, quantity }),
            11 => Command::Replace(Replace {
                login,
                orig_user_ref,
                user_ref,
                time_in_force,
                price,
                quantity,
                echo,
                instructions: None,
            }),
            12 => Command::SetLimits { orders_max: (n[0] as u32).min(1 << 16) },
            _ => Command::Enter(Enter {
                login,
                user_ref,
                instrument,
                side,
                time_in_force,
                price,
                quantity,
                echo,
                instructions: None,
            }),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// Whatever numbers a command carries: no panic, and every invariant holds after it.
    #[test]
    fn no_number_breaks_an_invariant(
        opened in any::<bool>(),
        commands in prop::collection::vec(any_command(), 1..120),
    ) {
        let mut exchange = Exchange::new(ExchangeLimits { orders_max: 4, ..ExchangeLimits::default() });
        if opened {
            opening([1_000_000, 3, 0, 999_999]).iter().for_each(|command| drop(apply(&mut exchange, command)));
        }
        for command in &commands {
            let events = apply(&mut exchange, command);
            prop_assert!(!events.is_empty(), "{command:?} has no answer");
            prop_assert_eq!(exchange.audit(), Ok(()), "after {:?}", command);
        }
    }
}
