//! Foreign bytes, and every value there and back.

use super::*;
use dojima::domain::IndexId;
use dojima::wire::ouch::{IndexPrice, IndexPriceAnswer};

fn tail() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..40)
}

prop_compose! {
    fn any_enter()(
        numbers in any::<(u32, u32, u64)>(), letters in any::<[u8; 6]>(), symbol in any::<[u8; 8]>(),
        text in any::<[u8; 14]>(),
    ) -> EnterOrder {
        let [side, time_in_force, display, capacity, iso, cross_type] = letters;
        EnterOrder {
            user_ref: UserRef(numbers.0), side, quantity: numbers.1, symbol: Symbol(symbol), price: numbers.2,
            time_in_force, display, capacity, iso, cross_type, cl_ord_id: ClOrdId(text),
        }
    }
}

prop_compose! {
    fn any_replace()(
        numbers in any::<(u32, u32, u32, u64)>(), letters in any::<[u8; 3]>(), text in any::<[u8; 14]>(),
    ) -> ReplaceOrder {
        let [time_in_force, display, iso] = letters;
        ReplaceOrder {
            orig_user_ref: UserRef(numbers.0), user_ref: UserRef(numbers.1), quantity: numbers.2,
            price: numbers.3, time_in_force, display, iso, cl_ord_id: ClOrdId(text),
        }
    }
}

prop_compose! {
    fn any_replaced()(
        numbers in any::<(u64, u32, u32, u32, u64, u64)>(), letters in any::<[u8; 7]>(),
        symbol in any::<[u8; 8]>(), text in any::<[u8; 14]>(),
    ) -> OrderReplaced {
        let [side, time_in_force, display, capacity, iso, cross_type, state] = letters;
        OrderReplaced {
            timestamp: numbers.0, orig_user_ref: UserRef(numbers.1), user_ref: UserRef(numbers.2), side,
            quantity: numbers.3, symbol: Symbol(symbol), price: numbers.4, time_in_force, display,
            order: OrderId(numbers.5), capacity, iso, cross_type, state, cl_ord_id: ClOrdId(text),
        }
    }
}

fn check_inbound_again(message: Inbound<'_>) {
    let mut bytes = [0; 160];
    let len = message.encode(&mut bytes).expect("fits");
    assert_eq!(Inbound::decode(&bytes[..len]), Ok(message));
    assert_eq!(message.encode(&mut bytes[..len - 1]), None);
    let _ = to_command(FROM, &message, &listings());
}

fn check_outbound_again(message: Outbound<'_>) {
    let mut bytes = [0; 160];
    let len = message.encode(&mut bytes).expect("fits");
    assert_eq!(Outbound::decode(&bytes[..len]), Ok(message));
    assert_eq!(message.encode(&mut bytes[..len - 1]), None);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = frame(&bytes, 64);
        let _ = Inbound::decode(&bytes).map(|message| to_command(FROM, &message, &listings()));
        let _ = Outbound::decode(&bytes);
    }

    #[test]
    fn arbitrary_tags_never_panic(order in any_enter(), bytes in tail()) {
        // A good side, time in force and so on, so that the tags are reached.
        let order = EnterOrder {
            side: b'B', time_in_force: b'0', cross_type: b'N', display: b'Y', iso: b'N', capacity: b'P', ..order
        };
        let _ = command(Inbound::Enter(order, Appendage(&bytes)));
        prop_assert!(Appendage(&bytes).tags().count() <= bytes.len());
    }

    #[test]
    fn requests_read_back_as_written(order in any_enter(), change in any_replace(), cancel in any::<(u32, u32)>(),
                                     bytes in tail()) {
        let cancel = CancelOrder { user_ref: UserRef(cancel.0), quantity: cancel.1 };
        check_inbound_again(Inbound::Enter(order, Appendage(&bytes)));
        check_inbound_again(Inbound::Replace(change, Appendage(&bytes)));
        check_inbound_again(Inbound::Cancel(cancel, Appendage(&bytes)));
        let modify = ModifyOrder { user_ref: cancel.user_ref, side: order.side, quantity: cancel.quantity };
        check_inbound_again(Inbound::Modify(modify, Appendage(&bytes)));
        let all = MassCancelOrders {
            user_ref: cancel.user_ref, firm: cancel.quantity.to_be_bytes(), symbol: order.symbol,
        };
        check_inbound_again(Inbound::MassCancel(all, Appendage(&bytes)));
        let (user_ref, firm) = (all.user_ref, all.firm);
        check_inbound_again(Inbound::DisableEntry(DisableEntry { user_ref, firm }, Appendage(&bytes)));
        check_inbound_again(Inbound::EnableEntry(EnableEntry { user_ref, firm }, Appendage(&bytes)));
        check_inbound_again(Inbound::AccountQuery(AccountQuery {}, Appendage(&bytes)));
        let moved = TransferMoney {
            user_ref, asset: AssetId(change.quantity as u16), amount: Amount(change.price as i64),
            from: ShardId(order.side), to: ShardId(order.display), reference: order.price,
        };
        check_inbound_again(Inbound::Transfer(moved, Appendage(&bytes)));
        let set = ContractSetting {
            user_ref, kind: order.side, symbol: order.symbol, leg: order.display,
            value: Amount(change.price as i64),
        };
        check_inbound_again(Inbound::Setting(set, Appendage(&bytes)));
        let price = IndexPrice {
            user_ref, index: IndexId(order.quantity as u16), price: order.price, source_time: change.price,
        };
        check_inbound_again(Inbound::IndexPrice(price, Appendage(&bytes)));
    }

    #[test]
    fn answers_read_back_as_written(replaced in any_replaced(), trade in any::<u64>(), code in any::<(u8, u16)>(),
                                    bytes in tail()) {
        let m = replaced;
        let accepted = OrderAccepted {
            timestamp: m.timestamp, user_ref: m.user_ref, side: m.side, quantity: m.quantity, symbol: m.symbol,
            price: m.price, time_in_force: m.time_in_force, display: m.display, order: m.order,
            capacity: m.capacity, iso: m.iso, cross_type: m.cross_type, state: m.state, cl_ord_id: m.cl_ord_id,
        };
        let executed = OrderExecuted {
            timestamp: m.timestamp, user_ref: m.user_ref, quantity: m.quantity, price: m.price,
            liquidity: code.0, trade: TradeId(trade),
        };
        let canceled = OrderCanceled {
            timestamp: m.timestamp, user_ref: m.user_ref, decrement: m.quantity, reason: code.0,
        };
        let rejected = OrderRejected {
            timestamp: m.timestamp, user_ref: m.user_ref, reason: code.1, cl_ord_id: m.cl_ord_id,
        };
        check_outbound_again(Outbound::Replaced(m, Appendage(&bytes)));
        check_outbound_again(Outbound::Accepted(accepted, Appendage(&bytes)));
        check_outbound_again(Outbound::Executed(executed, Appendage(&bytes)));
        check_outbound_again(Outbound::Canceled(canceled, Appendage(&bytes)));
        check_outbound_again(Outbound::Rejected(rejected, Appendage(&bytes)));
        let (timestamp, user_ref) = (m.timestamp, m.user_ref);
        let modified = OrderModified { timestamp, user_ref, side: m.side, quantity: m.quantity };
        check_outbound_again(Outbound::Modified(modified, Appendage(&bytes)));
        check_outbound_again(Outbound::CancelRejected(CancelRejected { timestamp, user_ref }, Appendage(&bytes)));
        let restated = OrderRestated { timestamp, user_ref, reason: code.0 };
        check_outbound_again(Outbound::Restated(restated, Appendage(&bytes)));
        let done = MassCancelResponse {
            timestamp, user_ref, firm: m.quantity.to_be_bytes(), symbol: m.symbol,
        };
        check_outbound_again(Outbound::MassCanceled(done, Appendage(&bytes)));
        let firm = m.quantity.to_be_bytes();
        check_outbound_again(Outbound::EntryDisabled(EntryDisabled { timestamp, user_ref, firm }, Appendage(&bytes)));
        check_outbound_again(Outbound::EntryEnabled(EntryEnabled { timestamp, user_ref, firm }, Appendage(&bytes)));
        let state = AccountQueryResponse { timestamp, next_user_ref: user_ref };
        check_outbound_again(Outbound::AccountState(state, Appendage(&bytes)));
        let sent = MoneySent {
            timestamp, user_ref, asset: AssetId(code.1), amount: Amount(m.price as i64), from: ShardId(code.0),
            to: ShardId(m.side), number: m.order.0, reference: trade, wallet: Amount(trade as i64),
        };
        check_outbound_again(Outbound::TransferSent(sent, Appendage(&bytes)));
        let (amount, symbol, leg) = (trade as i64, m.symbol, m.side);
        let stated = PositionStated {
            timestamp, symbol, leg, leverage: code.0, lots: amount, cost: -1, entry: m.price, pot: 2, mark: m.order.0,
            profit: -3, equity: amount, maintenance: 4, liquidation: trade,
        };
        check_outbound_again(Outbound::PositionState(stated, Appendage(&bytes)));
        let moved = PositionMoved {
            timestamp, symbol, leg, cause: code.0, trade: TradeId(trade), lots: -1, cost: amount, entry: m.price,
            realised: -2, pot: 3, wallet: amount,
        };
        check_outbound_again(Outbound::PositionChanged(moved, Appendage(&bytes)));
        let charged = FundingCharged { timestamp, symbol, leg, number: m.quantity, amount, pot: 1, wallet: -2 };
        check_outbound_again(Outbound::FundingPaid(charged, Appendage(&bytes)));
        let covered = LackCovered {
            timestamp, symbol, asset: AssetId(code.1), shard: ShardId(code.0), amount: Amount(amount),
        };
        check_outbound_again(Outbound::FundPaid(covered, Appendage(&bytes)));
        let made = SettingMade {
            timestamp, user_ref, kind: code.0, symbol: m.symbol, leg: m.side, value: Amount(m.price as i64),
            pot: Amount(trade as i64), wallet: Amount(m.order.0 as i64),
        };
        check_outbound_again(Outbound::SettingMade(made, Appendage(&bytes)));
        let answer = IndexPriceAnswer {
            timestamp, user_ref, index: IndexId(code.1), price: m.price, source_time: trade, state: code.0,
        };
        check_outbound_again(Outbound::IndexAnswered(answer, Appendage(&bytes)));
        check_outbound_again(Outbound::CancelPending(CancelPending { timestamp, user_ref }, Appendage(&bytes)));
        let broken = BrokenTrade {
            timestamp, user_ref, trade: TradeId(trade), reason: code.0, cl_ord_id: m.cl_ord_id,
        };
        check_outbound_again(Outbound::Broken(broken, Appendage(&bytes)));
        let update = OrderPriorityUpdate {
            timestamp, user_ref, price: m.price, display: m.display, order: m.order,
        };
        check_outbound_again(Outbound::PriorityUpdated(update, Appendage(&bytes)));
        let prevented = SelfMatchCanceled {
            timestamp, user_ref, decrement: m.quantity, reason: code.0, prevented: m.user_ref.0, price: m.price,
            liquidity: m.side, strategy: m.display,
        };
        check_outbound_again(Outbound::SelfMatchCanceled(prevented, Appendage(&bytes)));
        check_outbound_again(Outbound::System(SystemEvent { timestamp: m.timestamp, code: code.0 }));
    }
}
