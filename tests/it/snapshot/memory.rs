//! What saving takes: no more memory for a large state than for a small one.

use super::state_of;
use crate::support::venue::{Order, Venue};
use dojima::domain::{
    AccountId, AdminCommand, Amount, AssetCode, AssetId, Command, LoginId, LoginName, OrderCommand, ShardId,
    Side, Transfer, VenueCommand,
};
use dojima::replica::{SnapshotError, Snapshots, State};
use dojima_journal::storage::FileStorage;
use std::sync::Arc;

/// A state with so many open orders of 50 accounts, a tenth of them icebergs.
fn with_orders(orders: u32) -> State {
    const ACCOUNTS: u32 = 50;
    let mut venue = Venue::new(1, ACCOUNTS);
    let code = |text| AssetCode::new(text).expect("a code");
    let mut commands = vec![
        Command::Admin(AdminCommand::AddAsset { asset: AssetId(0), code: code("BASE"), scale: 0 }),
        Command::Admin(AdminCommand::AddAsset { asset: AssetId(1), code: code("QUOTE"), scale: 0 }),
        Command::Venue(VenueCommand::OpenAccount { account: AccountId(0) }),
    ];
    for id in 0..ACCOUNTS {
        let account = AccountId(id + 1);
        commands.push(Command::Venue(VenueCommand::OpenAccount { account }));
        commands.push(Command::Venue(VenueCommand::OpenLogin {
            login: LoginId(id),
            account,
            name: LoginName::default(),
        }));
        for reference in 1..=2 {
            let (asset, amount) = (AssetId(reference as u16 - 1), Amount(1 << 50));
            commands.push(Command::Admin(AdminCommand::Deposit(Transfer {
                account,
                asset,
                amount,
                reference,
                shard: ShardId::FIRST,
            })));
        }
    }
    let listing = *venue.exchange.listings().next().expect("one is listed");
    commands.push(Command::Admin(AdminCommand::ListInstrument(dojima::domain::ListInstrument {
        symbol: listing.symbol,
        base: listing.base,
        quote: listing.quote,
        tick_units: listing.tick_units,
        lot: listing.lot,
        min_quantity: listing.min_quantity,
        max_quantity: listing.max_quantity,
        phase: listing.phase,
        ..Default::default()
    })));
    for at in 0..orders {
        let side = if at % 2 == 0 { Side::Buy } else { Side::Sell };
        let ticks = if side == Side::Buy { 1_000 } else { 2_000 } + u64::from(at % 700);
        let order = Order { login: at % ACCOUNTS, side, ticks, lots: 10 };
        let shown = dojima::domain::Instructions { display_quantity: 3, ..Default::default() };
        let asked = at.is_multiple_of(10).then_some(shown);
        let enter = venue.next_enter(order, listing.instrument, Default::default(), asked);
        commands.push(Command::Order(OrderCommand::Enter(enter)));
    }
    let state = state_of(orders, &commands);
    assert_eq!(state.shards.open_orders(), orders as usize);
    state
}

#[test]
fn saving_takes_no_memory_for_the_state() {
    let folder = tempfile::tempdir().expect("a folder");
    let snapshots = Snapshots::new(Arc::new(FileStorage::new(folder.path())));
    let mut taken = Vec::new();
    for orders in [100, 40_000] {
        let state = with_orders(orders);
        let digest = state.shards.digest();
        let mut info = None;
        let counted = allocation_counter::measure(|| info = snapshots.save(&state, digest).ok());
        let bytes = info.expect("there is room").bytes;
        assert!(bytes > 64 * u64::from(orders));
        taken.push((counted.bytes_max, counted.count_total));
    }
    // A few names of files may differ.
    assert!(taken[1].0 < taken[0].0 + 10_000 && taken[1].1 < taken[0].1 + 20, "{taken:?}");
    assert!(taken[1].0 < 2 << 20, "{taken:?}");
}

/// So long that a second thread reads ahead, with extras and orders that take turns.
#[test]
fn a_long_snapshot_comes_back_and_its_damage_is_found() {
    let state = with_orders(40_000);
    let (mut bytes, position) = (super::saved(&state), state.last.sequence);
    assert!(bytes.len() > 2 << 20);
    let restored = super::loaded(&bytes, position).expect("it loads");
    assert_eq!((restored.shards.digest(), restored.shards.audit()), (state.shards.digest(), Ok(())));
    assert!(super::saved(&restored) == bytes);
    for range in super::file::chunks(&bytes) {
        bytes[range.end - 1] ^= 1;
        let damage = super::loaded(&bytes, position).map(|_| ());
        assert!(
            matches!(&damage, Err(SnapshotError::Damaged { offset, .. }) if *offset == range.start as u64),
            "{range:?}: {damage:?}"
        );
        bytes[range.end - 1] ^= 1;
    }
}

#[test]
fn equal_states_give_equal_bytes() {
    let (one, other) = (with_orders(500), with_orders(500));
    assert!(super::saved(&one) == super::saved(&one));
    assert!(super::saved(&one) == super::saved(&other));
}
