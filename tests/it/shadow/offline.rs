//! `dojima snapshot` on a directory that no engine runs on.

use crate::support::commands::Commands;
use crate::support::engines::small_config;
use dojima::cli::snapshot;
use dojima::config::Durability;
use dojima::domain::codec;
use dojima::engine::recovery_settings;
use dojima::recovery::{DataDir, recover};
use dojima::replica::Snapshots;
use dojima::runtime::{ThreadingMode, UnixNanos};
use dojima_journal::storage::Storage;
use dojima_journal::{MemoryStorage, scan_storage};
use std::sync::Arc;

/// Where the power is lost after the snapshot: it must not be ahead of the event log, which is not synced on the way.
#[test]
fn the_event_log_that_a_snapshot_needs_is_on_the_disk_before_it() {
    let config = small_config(ThreadingMode::Stepped, Durability::Sync);
    let disks: [MemoryStorage; 5] = std::array::from_fn(|_| MemoryStorage::new());
    let data = |disks: &[MemoryStorage; 5]| {
        DataDir::of("nowhere", disks.clone().map(|disk| -> Arc<dyn Storage> { Arc::new(disk) }))
    };
    let settings = recovery_settings(&config, &data(&disks), UnixNanos(1_000)).expect("a configuration");
    let mut opened = recover(&data(&disks), &settings, &mut |_| {}).expect("opened");
    // Commands whose events the event log never had: recovery appends them.
    let mut payload = [0; codec::ENCODED_LEN_MAX];
    let last = opened.state.last;
    for (sequence, command) in (last.sequence + 1..).zip(Commands::new(3).take(100)) {
        let len = codec::encode_command(&command, &mut payload).expect("encoded");
        opened.journal.append(sequence, last.time.0, &payload[..len]).expect("there is space");
    }
    opened.journal.sync().expect("synced");
    drop(opened);
    let recovered = recover(&data(&disks), &settings, &mut |_| {}).expect("recovered");
    let snapshots = Snapshots::new(Arc::new(disks[3].clone()));
    let info = snapshot::write(&snapshots, recovered).expect("written");
    assert_eq!(info.position, last.sequence + 100);
    let left = disks.each_ref().map(|disk| disk.after_crash(|_, _| false));
    let log = scan_storage(Arc::new(left[2].clone())).expect("scanned");
    assert_eq!(log.next_sequence() - 1, info.last_event, "the events of the snapshot are on the disk");
    let again = recover(&data(&left), &settings, &mut |_| {}).expect("starts");
    assert_eq!(again.report.snapshot.map(|info| info.position), Some(info.position));
}
