//! Three shards by configuration alone, each on the core that the file names.

use super::{client, next, start};
use crate::support::engines::small_config;
use dojima::client::{ClientEvent, NewOrder};
use dojima::config::{Config, Durability, ShardConfig, WalletConfig};
use dojima::domain::{AssetId, ShardId, Symbol};
use dojima::runtime::ThreadingMode;
use std::fs;
use tempfile::TempDir;

const NAMES: [&str; 3] = ["alpha", "beta", "gamma"];

/// An instrument in each of three shards, and all accounts with money in all of them.
fn config() -> Config {
    let mut config = small_config(ThreadingMode::Dedicated, Durability::Async);
    config.market_data.enabled = false;
    config.shards = NAMES.map(|name| ShardConfig { name: name.to_owned(), core: None }).into();
    let mut third = config.instruments[0].clone();
    third.symbol = "BTC-MORE".to_owned();
    config.instruments.push(third);
    for (instrument, name) in config.instruments.iter_mut().zip(NAMES).skip(1) {
        instrument.shard = Some(name.to_owned());
    }
    for account in &mut config.accounts {
        let wallet = WalletConfig(account.deposits.clone());
        account.deposits_in.extend(NAMES[1..].iter().map(|name| ((*name).to_owned(), wallet.clone())));
    }
    config
}

/// The cores that a thread of this process may use, as the system lists them, by the thread's name.
fn cores_of(thread: &str) -> Option<String> {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux");
    for task in tasks.flatten() {
        let read = |file: &str| fs::read_to_string(task.path().join(file)).unwrap_or_default();
        if read("comm").trim() == thread {
            let status = read("status");
            let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
            return allowed.map(|cores| cores.trim().to_owned());
        }
    }
    None
}

#[test]
fn three_shards_trade_and_have_the_cores_that_the_file_names() {
    let data = TempDir::new().expect("a temporary directory");
    let mut config = config();
    let core = dojima::runtime::affinity::available_cores().last().expect("a core").0;
    config.shards[2].core = Some(core);
    let engine = start(&config, data.path());
    let mut alice = client(engine.order_entry.expect("it listens"), "ALICE");
    for instrument in &config.instruments {
        let symbol = Symbol::new(&instrument.symbol).expect("a symbol");
        for order in
            [NewOrder::buy(symbol, 1_000).limit(5_000_000), NewOrder::sell(symbol, 400).limit(5_000_000)]
        {
            alice.enter(&order).expect("sent");
            assert!(matches!(next(&mut alice), ClientEvent::Accepted(_)), "{}", instrument.symbol);
        }
        let traded = [next(&mut alice), next(&mut alice)];
        assert!(traded.iter().all(|event| matches!(event, ClientEvent::Executed { .. })), "{traded:?}");
    }
    for shard in (0..3).map(ShardId) {
        alice.query_wallet(shard, AssetId(0)).expect("sent");
        let ClientEvent::AccountState { wallet: Some((of, wallet)), .. } = next(&mut alice) else {
            panic!("it has a wallet in shard {shard}")
        };
        assert_eq!((of, wallet.balance.asset), (shard, AssetId(0)));
        assert_eq!(wallet.balance.available, wallet.withdrawable);
    }
    alice.query_wallet(ShardId(3), AssetId(0)).expect("sent");
    assert!(matches!(next(&mut alice), ClientEvent::AccountState { wallet: None, .. }));
    assert_eq!(cores_of("matcher-2"), Some(core.to_string()));
    let shards = engine.stop().expect("an orderly end").shards.expect("the exchange");
    assert_eq!(
        (shards.audit(), shards.get(ShardId(2)).map(|shard| shard.last_trade().count())),
        (Ok(()), Some(1))
    );
}

#[test]
fn a_core_of_a_shard_needs_a_thread_and_has_to_be_there() {
    let mut shared = config();
    shared.engine.mode = ThreadingMode::Shared;
    shared.shards[1].core = Some(0);
    let refused = shared.validate().expect_err("refused").to_string();
    assert!(refused.contains("shards[beta].core = 0: needs engine.mode = \"dedicated\""), "{refused}");
    let mut absent = config();
    absent.shards[1].core = Some(9_999);
    let data = TempDir::new().expect("a temporary directory");
    let refused = dojima::engine::SteppedEngine::start(&absent, data.path(), 1).err().expect("refused");
    assert!(refused.to_string().contains("core 9999 is not among"), "{refused}");
    assert_eq!(absent.opening_commands().expect("is valid"), config().opening_commands().expect("is valid"));
}
