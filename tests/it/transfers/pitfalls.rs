//! What goes wrong in transfers, each as a test.

use super::{ALICE, BOB, CASH, COIN, ONE, TWO, Venue, deposit, kinds, opening, order, out, refusal, sent};
use dojima::domain::{
    AccountId, AdminCommand, AdminEvent, Amount, AssetId, AssetSettings, CancelFilter, Command, Event,
    KillScope, LoginId, MassCancel, OrderCommand, OrderEvent, RejectReason, ShardId, ShardTransfer, Side,
    Stamp, Switch, Transfer, TransferOut, UserRef, VenueCommand,
};
use dojima::replica::{Snapshots, State};
use dojima_journal::MemoryStorage;
use std::sync::Arc;

fn arrival(transfer: ShardTransfer) -> Command {
    Command::Admin(AdminCommand::TransferIn(transfer))
}

#[test]
fn money_leaves_one_wallet_and_arrives_in_the_other() {
    let mut venue = Venue::new();
    let events = venue.send(sent(out(ONE, TWO, ALICE, 300, 3)));
    let [Event::Order(OrderEvent::TransferSent(told))] = events[..] else { panic!("{events:?}") };
    assert_eq!((told.login, told.transfer.number, told.wallet), (None, 1, Amount(700)));
    assert_eq!(venue.supplies(CASH), [2_000, 0], "it is on its way, in the supply of its source");
    assert_eq!((venue.available(ONE, ALICE, CASH), venue.available(TWO, ALICE, CASH)), (700, 0));
    let events = venue.send(arrival(told.transfer));
    assert_eq!(kinds(&events), ["TransferDone", "TransferReceived"], "by shard");
    let Event::Admin(AdminEvent::TransferReceived(received)) = events[1] else { panic!("{events:?}") };
    assert_eq!((received.transfer, received.wallet), (told.transfer, Amount(300)));
    assert_eq!(venue.supplies(CASH), [1_700, 300]);
    assert_eq!((venue.available(ONE, ALICE, CASH), venue.available(TWO, ALICE, CASH)), (700, 300));
    // And back: the numbers of each pair of shards count by themselves, and the destination is told first.
    let events = venue.send(sent(out(TWO, ONE, ALICE, 100, 1)));
    let [Event::Order(OrderEvent::TransferSent(told))] = events[..] else { panic!("{events:?}") };
    assert_eq!((told.transfer.number, told.wallet), (1, Amount(200)));
    assert_eq!(kinds(&venue.send(arrival(told.transfer))), ["TransferReceived", "TransferDone"]);
    assert_eq!(venue.supplies(CASH), [1_800, 200]);
}

/// Every refusal, in the order of the checks: each command is refused for its reason and for all that come after it.
#[test]
fn checks_have_an_order() {
    let mut venue = Venue::new();
    let good = out(ONE, TWO, ALICE, 100, 3);
    let mut wrong = TransferOut { amount: Amount(5_000), ..good };
    let mut bad: Vec<(RejectReason, TransferOut)> = vec![(RejectReason::InsufficientFunds, wrong)];
    wrong.reference = 2;
    bad.push((RejectReason::DuplicateReference, wrong));
    for amount in [0, -1, i64::MIN] {
        wrong.amount = Amount(amount);
        bad.push((RejectReason::OutOfRange, wrong));
    }
    for (from, to) in [(ONE, ONE), (ONE, ShardId(2)), (ShardId(2), ONE), (ShardId(255), ShardId(255))] {
        (wrong.from, wrong.to) = (from, to);
        bad.push((RejectReason::UnknownShard, wrong));
    }
    wrong.asset = AssetId(2);
    bad.push((RejectReason::UnknownAsset, wrong));
    wrong.account = AccountId(3);
    bad.push((RejectReason::UnknownAccount, wrong));
    for (reason, out) in &bad {
        let digest = venue.shards().digest();
        let events = venue.send(sent(*out));
        assert_eq!(refusal(&events), Some(*reason), "{out:?}");
        assert_eq!(venue.shards().digest(), digest, "{out:?} changed something");
    }
    assert_eq!(kinds(&venue.send(sent(good))), ["TransferSent"]);
    // A client's are told to the client, and use up its number.
    for (user_ref, (reason, out)) in (1..).zip(&bad) {
        // The good one has used a reference.
        let reference = out.reference + u64::from(out.reference == 3);
        let login = Some(LoginId(0));
        let asked = TransferOut { login, user_ref: UserRef(user_ref), reference, ..*out };
        let events = venue.send(sent(asked));
        assert_eq!(refusal(&events), Some(*reason), "{asked:?}");
        assert!(matches!(events[..], [Event::Order(OrderEvent::Rejected(_))]));
        assert_eq!(kinds(&venue.send(sent(asked))), ["Ignored"], "its number is used");
    }
    let user_ref = UserRef(100);
    let of_bob = TransferOut { login: Some(LoginId(1)), user_ref, ..out(ONE, TWO, ALICE, 1, 9) };
    assert_eq!(refusal(&venue.send(sent(of_bob))), Some(RejectReason::UnknownAccount), "not its own account");
    for (login, session) in [(7, 0), (0, 1)] {
        let asked =
            TransferOut { login: Some(LoginId(login)), session, user_ref, ..out(ONE, TWO, ALICE, 1, 9) };
        assert_eq!(kinds(&venue.send(sent(asked))), ["Ignored"]);
    }
}

/// References count per account and shard, with deposits and withdrawals.
#[test]
fn a_reference_is_used_once_in_a_shard() {
    let mut venue = Venue::new();
    venue.send(sent(out(ONE, TWO, ALICE, 10, 3)));
    assert_eq!(
        refusal(&venue.send(sent(out(ONE, TWO, ALICE, 10, 3)))),
        Some(RejectReason::DuplicateReference)
    );
    assert_eq!(
        refusal(&venue.send(deposit(ONE, ALICE, CASH, 10, 3))),
        Some(RejectReason::DuplicateReference)
    );
    assert_eq!(kinds(&venue.send(deposit(TWO, ALICE, CASH, 10, 3))), ["Deposited"], "in the other shard");
    assert_eq!(kinds(&venue.send(sent(out(ONE, TWO, BOB, 10, 3)))), ["TransferSent"], "of the other account");
    venue.arrive();
    assert_eq!(kinds(&venue.send(sent(out(TWO, ONE, ALICE, 20, 4)))), ["TransferSent"]);
    venue.arrive();
}

/// A client's number is used in both shards, whichever does the transfer.
#[test]
fn a_clients_number_is_used_in_every_shard() {
    let mut venue = Venue::new();
    let login = Some(LoginId(0));
    let asked = TransferOut { login, user_ref: UserRef(1), ..out(ONE, TWO, ALICE, 10, 3) };
    assert_eq!(kinds(&venue.send(sent(asked))), ["TransferSent"]);
    let elsewhere = TransferOut { login, user_ref: UserRef(1), ..out(TWO, ONE, ALICE, 10, 3) };
    assert_eq!(kinds(&venue.send(sent(elsewhere))), ["Ignored"], "sent again with another content");
    assert_eq!(kinds(&venue.send(order(1, 1, Side::Buy, 1))), ["Ignored"]);
    assert_eq!(kinds(&venue.send(order(0, 2, Side::Buy, 1))), ["Accepted"]);
    venue.arrive();
}

#[test]
fn a_transfer_in_ahead_of_the_accounts_first_order_in_the_destination() {
    let mut venue = Venue::new();
    assert_eq!(refusal(&venue.send(order(1, 1, Side::Buy, 1))), Some(RejectReason::InsufficientFunds));
    venue.send(sent(out(ONE, TWO, ALICE, 100, 3)));
    assert_eq!(refusal(&venue.send(order(1, 2, Side::Buy, 1))), Some(RejectReason::InsufficientFunds));
    venue.arrive();
    assert_eq!(kinds(&venue.send(order(1, 3, Side::Buy, 10))), ["Accepted"], "with all that arrived");
    assert_eq!(venue.available(TWO, ALICE, CASH), 0);
}

#[test]
fn a_kill_switch_while_money_is_in_flight() {
    for scope in [KillScope::Venue, KillScope::Account(ALICE)] {
        let mut venue = Venue::new();
        let kill = |switch| Command::Admin(AdminCommand::Kill { scope, switch });
        venue.send(sent(out(ONE, TWO, ALICE, 100, 3)));
        venue.send(kill(Switch::On));
        venue.arrive();
        assert_eq!(venue.available(TWO, ALICE, CASH), 100, "it arrives all the same");
        assert_eq!(kinds(&venue.send(sent(out(TWO, ONE, ALICE, 40, 1)))), ["TransferSent"], "and may go on");
        venue.arrive();
        venue.send(kill(Switch::Off));
        assert_eq!(venue.available(ONE, ALICE, CASH), 940);
    }
}

/// The switches and minimums of an asset are for what comes from outside and goes there.
#[test]
fn transfers_do_not_heed_what_deposits_and_withdrawals_do() {
    let mut venue = Venue::new();
    venue.send(sent(out(ONE, TWO, ALICE, 1, 3)));
    let (deposits, withdrawals) = (Switch::Off, Switch::Off);
    let (min_deposit, min_withdrawal) = (Amount(500), Amount(500));
    let settings =
        AssetSettings { asset: CASH, scale: 0, deposits, withdrawals, min_deposit, min_withdrawal };
    assert_eq!(kinds(&venue.send(Command::Admin(AdminCommand::SetAsset(settings)))), ["AssetSet"]);
    venue.send(sent(out(ONE, TWO, ALICE, 1, 4)));
    venue.arrive();
    assert_eq!(venue.available(TWO, ALICE, CASH), 2);
}

#[test]
fn a_transfer_of_everything_while_an_order_is_open() {
    let mut venue = Venue::new();
    assert_eq!(kinds(&venue.send(order(0, 1, Side::Buy, 30))), ["Accepted"]);
    assert_eq!(
        refusal(&venue.send(sent(out(ONE, TWO, ALICE, 701, 3)))),
        Some(RejectReason::InsufficientFunds)
    );
    let events = venue.send(sent(out(ONE, TWO, ALICE, 700, 3)));
    let [Event::Order(OrderEvent::TransferSent(told))] = events[..] else { panic!("{events:?}") };
    assert_eq!(told.wallet, Amount(300), "what the order holds stays");
    venue.arrive();
    // The order trades with what it holds; what it gives back is there.
    let of_bob = MassCancel { filter: CancelFilter::default(), ..MassCancel::default() };
    venue.send(Command::Order(OrderCommand::MassCancel(of_bob)));
    assert_eq!(venue.available(ONE, ALICE, CASH), 300);
    assert_eq!(kinds(&venue.send(sent(out(ONE, TWO, ALICE, 300, 4)))), ["TransferSent"]);
    venue.arrive();
    let balance = venue.balance(ONE, ALICE, CASH);
    assert_eq!((balance.available, balance.reserved), (Amount(0), Amount(0)));
}

#[test]
fn a_transfer_in_that_comes_twice_has_no_effect() {
    let mut venue = Venue::new();
    for reference in 3..6 {
        venue.send(sent(out(ONE, TWO, ALICE, 10, reference)));
    }
    let all = venue.in_flight();
    assert_eq!(all.iter().map(|transfer| transfer.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(venue.send(arrival(all[1])), [], "a gap");
    assert_eq!(kinds(&venue.send(arrival(all[0]))).len(), 2);
    let digest = venue.shards().digest();
    for again in
        [all[0], all[2], ShardTransfer { number: 0, ..all[0] }, ShardTransfer { number: u64::MAX, ..all[0] }]
    {
        assert_eq!(venue.send(arrival(again)), [], "{again:?}");
        assert_eq!(venue.shards().digest(), digest);
    }
    for (from, to) in [(TWO, ONE), (ONE, ONE), (ONE, ShardId(5)), (ShardId(5), TWO)] {
        let number = if (from, to) == (TWO, ONE) { 2 } else { 1 };
        assert_eq!(venue.send(arrival(ShardTransfer { from, to, number, ..all[0] })), []);
    }
    venue.arrive();
    assert_eq!((venue.available(TWO, ALICE, CASH), venue.in_flight().len()), (30, 0));
}

/// The bound of what is on its way: of an account in its shard, and of two shards.
#[test]
fn an_account_has_eight_transfers_on_their_way() {
    let mut venue = Venue::new();
    for reference in 3..11 {
        assert_eq!(kinds(&venue.send(sent(out(ONE, TWO, ALICE, 1, reference)))), ["TransferSent"]);
    }
    assert_eq!(refusal(&venue.send(sent(out(ONE, TWO, ALICE, 1, 11)))), Some(RejectReason::TooManyTransfers));
    assert_eq!(kinds(&venue.send(sent(out(ONE, TWO, BOB, 1, 3)))), ["TransferSent"], "others may");
    let first = venue.in_flight()[0];
    venue.send(arrival(first));
    assert_eq!(kinds(&venue.send(sent(out(ONE, TWO, ALICE, 1, 11)))), ["TransferSent"], "one has arrived");
    venue.arrive();
}

#[test]
fn two_shards_have_4096_transfers_on_their_way() {
    let mut state = Venue::new().state;
    let mut sequence = state.last.sequence;
    let mut send = |state: &mut State, command| {
        sequence += 1;
        let mut events = Vec::new();
        let stamp = dojima::domain::Stamp { sequence, ..state.last };
        let Ok(()) = state.apply(stamp, &command, &mut |record| {
            events.push(record.event);
            Ok::<_, std::convert::Infallible>(())
        });
        events
    };
    let accounts = (3..3 + 512).map(AccountId);
    for account in accounts.clone() {
        send(&mut state, Command::Venue(VenueCommand::OpenAccount { account }));
        send(&mut state, deposit(ONE, account, CASH, 100, 1));
        for reference in 2..10 {
            let events = send(&mut state, sent(out(ONE, TWO, account, 1, reference)));
            assert_eq!(kinds(&events), ["TransferSent"]);
        }
    }
    let events = send(&mut state, sent(out(ONE, TWO, ALICE, 1, 3)));
    assert_eq!(refusal(&events), Some(RejectReason::TooManyTransfers));
    assert_eq!(state.shards.audit(), Ok(()));
    let all: Vec<ShardTransfer> = state.shards.in_flight().collect();
    assert_eq!(all.len(), ShardTransfer::OF_PAIR_MAX);
    for transfer in all {
        send(&mut state, arrival(transfer));
    }
    assert_eq!((state.shards.audit(), state.shards.in_flight().count()), (Ok(()), 0));
}

/// A snapshot between the two commands has the outbox, and a start from it goes on.
#[test]
fn a_snapshot_between_out_and_in() {
    let mut venue = Venue::new();
    for (reference, account) in [(3, ALICE), (4, ALICE), (3, BOB)] {
        venue.send(sent(out(ONE, TWO, account, 50, reference)));
    }
    let first = venue.in_flight()[0];
    venue.send(arrival(first));
    venue.send(sent(out(TWO, ONE, ALICE, 20, 1)));
    let snapshots = Snapshots::new(Arc::new(MemoryStorage::new()));
    let digest = venue.shards().digest();
    let position = snapshots.save(&venue.state, digest).expect("saved").position;
    let (restored, _) = snapshots.load(position).expect("read");
    assert_eq!(restored.shards.digest(), digest);
    let mut again = Venue { state: restored, events: Vec::new() };
    assert_eq!(again.in_flight(), venue.in_flight());
    assert_eq!(again.supplies(CASH), venue.supplies(CASH));
    for venue in [&mut venue, &mut again] {
        // The bound of an account, too, is known again.
        for reference in 5..12 {
            venue.send(sent(out(ONE, TWO, ALICE, 1, reference)));
        }
        let events = venue.send(sent(out(ONE, TWO, ALICE, 1, 12)));
        assert_eq!(refusal(&events), Some(RejectReason::TooManyTransfers));
        venue.arrive();
        let events = venue.send(deposit(TWO, ALICE, CASH, 1 << 59, 2));
        assert_eq!(kinds(&events), ["Deposited"], "what came by transfer is not counted as a deposit");
        let events = venue.send(deposit(TWO, ALICE, CASH, 1, 3));
        assert_eq!(refusal(&events), Some(RejectReason::SupplyTooLarge));
    }
    assert_eq!(again.shards().digest(), venue.shards().digest());
}

/// All the money of all shards fits into one, so what arrives always fits.
#[test]
fn deposits_leave_room_for_everything_that_arrives() {
    let most = ShardTransfer::DEPOSITS_MAX;
    let mut venue = Venue::new();
    assert_eq!(
        refusal(&venue.send(deposit(TWO, BOB, CASH, most + 1, 1))),
        Some(RejectReason::SupplyTooLarge)
    );
    assert_eq!(kinds(&venue.send(deposit(TWO, BOB, CASH, most, 1))), ["Deposited"]);
    assert_eq!(kinds(&venue.send(deposit(ONE, BOB, CASH, most - 2_000, 3))), ["Deposited"]);
    assert_eq!(refusal(&venue.send(deposit(ONE, BOB, CASH, 1, 4))), Some(RejectReason::SupplyTooLarge));
    venue.send(sent(out(TWO, ONE, BOB, most, 2)));
    venue.arrive();
    assert_eq!(venue.supplies(CASH), [2 * most, 0]);
    // It went by transfer: that makes room for no deposit. A withdrawal does, where it is made.
    assert_eq!(refusal(&venue.send(deposit(TWO, BOB, CASH, 1, 3))), Some(RejectReason::SupplyTooLarge));
    let back = Transfer { account: BOB, asset: CASH, amount: Amount(most), reference: 4, shard: ONE };
    assert_eq!(kinds(&venue.send(Command::Admin(AdminCommand::Withdraw(back)))), ["Withdrawn"]);
    assert_eq!(kinds(&venue.send(deposit(ONE, BOB, CASH, most, 5))), ["Deposited"]);
}

/// Venues of the first edition have no transfers, and one of several shards cannot change that.
#[test]
fn transfers_begin_with_the_second_edition() {
    let mut venue = Venue { state: State::empty(), events: Vec::new() };
    for command in opening(1) {
        venue.send(command);
    }
    let events = venue.send(sent(out(ONE, TWO, ALICE, 1, 3)));
    assert_eq!(refusal(&events), Some(RejectReason::NotInThisEdition));
    assert_eq!(kinds(&venue.send(deposit(ONE, ALICE, COIN, i64::MAX - 2_000, 3))), ["Deposited"]);
    let events = venue.send(Command::Venue(VenueCommand::SetRules { edition: 2 }));
    assert_eq!(refusal(&events), Some(RejectReason::OneShardOnly));
    let mut alone = Venue { state: State::empty(), events: Vec::new() };
    for command in
        opening(1).into_iter().filter(|it| !matches!(it, Command::Venue(VenueCommand::OpenShard { .. })))
    {
        alone.send(command);
    }
    assert_eq!(kinds(&alone.send(Command::Venue(VenueCommand::SetRules { edition: 2 }))), ["RulesSet"]);
    let events = alone.send(deposit(ONE, ALICE, COIN, i64::MAX - 2_000, 3));
    assert_eq!(kinds(&events), ["Deposited"], "with one shard nothing changes");
    let events = alone.send(sent(out(ONE, TWO, ALICE, 1, 4)));
    assert_eq!(refusal(&events), Some(RejectReason::UnknownShard));
}

/// Money on its way needs no conversion: with several shards the scale of an asset stays.
#[test]
fn the_scale_of_an_asset_in_flight_stays() {
    let mut venue = Venue::new();
    venue.send(sent(out(ONE, TWO, ALICE, 1, 3)));
    let (on, none) = (Switch::On, Amount(0));
    let settings = AssetSettings {
        asset: CASH,
        scale: 2,
        deposits: on,
        withdrawals: on,
        min_deposit: none,
        min_withdrawal: none,
    };
    let events = venue.send(Command::Admin(AdminCommand::SetAsset(settings)));
    assert_eq!(refusal(&events), Some(RejectReason::OneShardOnly));
    venue.arrive();
}

/// Room for transfers is made when the shards are opened.
#[test]
fn a_transfer_allocates_nothing() {
    let mut venue = Venue::new();
    venue.send(sent(out(ONE, TWO, ALICE, 1, 3)));
    let arrivals = [arrival(venue.in_flight()[0])];
    let departures = (4..11).map(|reference| sent(out(ONE, TWO, ALICE, 1, reference)));
    let commands: Vec<Command> = arrivals.into_iter().chain(departures).collect();
    let mut events = Vec::with_capacity(64);
    let mut shards = venue.state.shards.into_vec();
    let counted = allocation_counter::measure(|| {
        for command in &commands {
            shards[0].apply(Stamp::default(), command, &mut events);
        }
    });
    assert_eq!(counted.count_total, 0);
    assert_eq!(
        kinds(&events),
        ["TransferDone", "TransferSent"].into_iter().chain(["TransferSent"; 6]).collect::<Vec<_>>()
    );
}
