//! How fast a state becomes a file and a file a state.
//!
//! `cargo bench --bench snapshot` measures with a million open orders of ten thousand accounts; `cargo test --bench
//! snapshot` runs the same code small and holds the digest of the state against a known one. The floors are of the same
//! run and the same file: reading it into memory, a pass of checksums over it, writing as many bytes and syncing them.

use comfy_table::{Cell, CellAlignment, Table, presets};
use dojima::domain::{
    AccountId, AdminCommand, Amount, AssetCode, AssetId, Cancel, ClOrdId, Command, Enter, FeeRate,
    Instructions, InstrumentId, ListInstrument, LoginId, LoginName, OrderCommand, OrderPrice, Phase,
    Quantity, ShardId, Side, Stamp, Symbol, TimeInForce, Timestamp, Transfer, UserRef, VenueCommand,
    VenueLimits,
};
use dojima::replica::{Snapshots, State};
use dojima::runtime::SplitMix64;
use dojima::wire::ouch::Echoed;
use dojima_journal::storage::{FileStorage, Storage};
use std::convert::Infallible;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const INSTRUMENTS: u32 = 4;
/// Bids lie this many ticks below the middle at most, asks above.
const DEPTH: u64 = 4_000;
const MIDDLE: u64 = 100_000;

/// How much is measured.
struct Size {
    accounts: u32,
    orders: usize,
    rounds: usize,
}

const FULL: Size = Size { accounts: 10_000, orders: 1_000_000, rounds: 9 };
const SMALL: Size = Size { accounts: 50, orders: 2_000, rounds: 1 };
const SMALL_DIGEST: &str = "d77eef2b674d05b032d99932c2cd6cbc";

fn main() {
    let is_full = std::env::args().any(|argument| argument == "--bench");
    let size = if is_full { FULL } else { SMALL };
    let state = filled(&size);
    let digest = state.shards.digest();
    assert_eq!(state.shards.open_orders(), size.orders);

    let folder = tempfile::tempdir().expect("a folder");
    let files: Arc<dyn Storage> = Arc::new(FileStorage::new(folder.path()));
    let snapshots = Snapshots::new(Arc::clone(&files));
    let info = snapshots.save(&state, digest).expect("there is room");
    let name = format!("{:020}.snap", info.position);

    let mut runs = Runs::default();
    for _ in 0..size.rounds {
        let bytes = runs.time("floor: read the file into memory", || read(files.as_ref(), &name, info.bytes));
        runs.time("floor: one pass of CRC-32C", || crc32c::crc32c(&bytes));
        drop(bytes);
        let loaded = runs.time("load", || snapshots.load(info.position).expect("it verifies").0);
        // Only now and then: it takes long.
        if !is_full || runs.is_first("load") {
            assert_eq!(loaded.shards.digest(), digest);
            assert_eq!(loaded.shards.audit(), Ok(()));
        }
        runs.time("drop what was loaded", || drop(loaded));
        runs.time("floor: write as many bytes, synced", || write(&folder.path().join("floor"), info.bytes));
        runs.time("save, synced", || snapshots.save(&state, digest).expect("there is room"));
    }
    runs.show(info.bytes, size.orders);
    println!("{} bytes, {} orders, state {digest}", info.bytes, size.orders);
    if !is_full {
        assert_eq!(digest.to_string(), SMALL_DIGEST, "the state is not what it was");
    }
}

fn read(files: &dyn Storage, name: &str, len: u64) -> Vec<u8> {
    let mut bytes = vec![0; len as usize];
    let read = files.open(name).expect("it is there").read_at(&mut bytes, 0).expect("it is read");
    assert_eq!(read as u64, len);
    bytes
}

fn write(path: &Path, len: u64) {
    let mut file = File::create(path).expect("a file");
    let piece = vec![1; 1 << 18];
    let mut left = len as usize;
    while left > 0 {
        let now = left.min(piece.len());
        file.write_all(&piece[..now]).expect("written");
        left -= now;
    }
    file.sync_all().expect("synced");
}

fn apply(state: &mut State, command: &Command) {
    let stamp =
        Stamp { sequence: state.last.sequence + 1, time: Timestamp(1_700_000_000 * Timestamp::SECOND) };
    state.apply(stamp, command, &mut |_| Ok::<_, Infallible>(())).expect("nothing can fail");
}

/// A state with so many open orders. A third more were entered and cancelled, so that those that are left lie in no
/// order; every fiftieth asks for something special.
fn filled(size: &Size) -> State {
    let mut state = State::empty();
    apply(
        &mut state,
        &Command::Venue(VenueCommand::SetLimits {
            limits: VenueLimits::of_few_accounts(2 * size.orders as u32),
        }),
    );
    open(&mut state, size);
    let mut random = SplitMix64::new(7);
    let mut last = vec![0; size.accounts as usize];
    let mut live: Vec<(LoginId, UserRef)> = Vec::new();
    while live.len() < size.orders {
        if live.len() > 10 && random.remainder(5) == 0 {
            let at = random.remainder(live.len() as u64) as usize;
            let (login, user_ref) = live.swap_remove(at);
            apply(
                &mut state,
                &Command::Order(OrderCommand::Cancel(Cancel {
                    login,
                    session: 0,
                    user_ref,
                    quantity: Quantity(0),
                })),
            );
            continue;
        }
        let enter = order(&mut random, &mut last);
        live.push((enter.login, enter.user_ref));
        apply(&mut state, &Command::Order(OrderCommand::Enter(enter)));
    }
    state
}

fn open(state: &mut State, size: &Size) {
    for (id, code) in [(0, "BASE"), (1, "QUOTE")] {
        let code = AssetCode::new(code).expect("a code");
        apply(state, &Command::Admin(AdminCommand::AddAsset { asset: AssetId(id), code, scale: 0 }));
    }
    apply(state, &Command::Venue(VenueCommand::OpenAccount { account: AccountId::FEES }));
    for id in 0..size.accounts {
        let (account, login) = (AccountId(id + 1), LoginId(id));
        apply(state, &Command::Venue(VenueCommand::OpenAccount { account }));
        apply(state, &Command::Venue(VenueCommand::OpenLogin { login, account, name: LoginName::default() }));
        for reference in 1..=2 {
            let (asset, amount) = (AssetId(reference as u16 - 1), Amount(1 << 46));
            apply(
                state,
                &Command::Admin(AdminCommand::Deposit(Transfer {
                    account,
                    asset,
                    amount,
                    reference,
                    shard: ShardId::FIRST,
                })),
            );
        }
    }
    for id in 0..INSTRUMENTS {
        apply(
            state,
            &Command::Admin(AdminCommand::ListInstrument(ListInstrument {
                instrument: InstrumentId(id),
                symbol: Symbol::new(&format!("I{id}")).expect("a symbol"),
                base: AssetId(0),
                quote: AssetId(1),
                tick_units: 1,
                lot: Amount(1),
                min_quantity: Quantity(1),
                max_quantity: Quantity(u64::from(u32::MAX)),
                maker_fee: FeeRate(200),
                taker_fee: FeeRate(500),
                phase: Phase::Continuous,
                ..ListInstrument::default()
            })),
        );
    }
    apply(state, &Command::Venue(VenueCommand::Open { config_digest: 1 }));
}

/// More orders near the middle than far from it.
fn order(random: &mut SplitMix64, last: &mut [u32]) -> Enter {
    let login = random.remainder(last.len() as u64) as u32;
    let number = &mut last[login as usize];
    *number += 1;
    let side = if random.remainder(2) == 0 { Side::Buy } else { Side::Sell };
    let away = 1 + random.remainder(DEPTH).min(random.remainder(DEPTH));
    let ticks = if side == Side::Buy { MIDDLE - away } else { MIDDLE + away };
    let mut enter = Enter {
        login: LoginId(login),
        user_ref: UserRef(*number),
        instrument: InstrumentId(random.remainder(INSTRUMENTS.into()) as u32),
        side,
        price: OrderPrice::Limit(ticks as i64),
        quantity: Quantity(1 + random.remainder(1_000)),
        echo: Echoed::USUAL.carried(ClOrdId::default()),
        ..Enter::default()
    };
    if random.remainder(50) == 0 {
        enter.time_in_force = TimeInForce::GoodTillTime;
        let expire_s = 1_800_000_000 + random.remainder(1_000_000) as u32;
        enter.instructions = Some(Instructions { expire_s, display_quantity: 1, ..Instructions::default() });
    }
    enter
}

/// Times by name, in the order in which they were first taken.
#[derive(Default)]
struct Runs(Vec<(&'static str, Vec<Duration>)>);

impl Runs {
    fn time<T>(&mut self, name: &'static str, run: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = run();
        let took = started.elapsed();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, times)) => times.push(took),
            None => self.0.push((name, vec![took])),
        }
        result
    }

    fn is_first(&self, name: &str) -> bool {
        self.0.iter().any(|(known, times)| *known == name && times.len() == 1)
    }

    fn show(mut self, bytes: u64, orders: usize) {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header(["", "best ms", "median ms", "MB/s (best)", "ns an order (best)"]);
        for (name, times) in &mut self.0 {
            times.sort_unstable();
            let (best, median) = (times[0].as_secs_f64(), times[times.len() / 2].as_secs_f64());
            let mut row = vec![Cell::new(*name)];
            let figures = [best * 1e3, median * 1e3, bytes as f64 / best / 1e6, best * 1e9 / orders as f64];
            row.extend(
                figures.map(|figure| Cell::new(format!("{figure:.1}")).set_alignment(CellAlignment::Right)),
            );
            table.add_row(row);
        }
        println!("{table}");
    }
}
