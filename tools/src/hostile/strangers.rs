//! Attackers without a login: connections that send nothing or too little, and logins with invented names.

use super::forces::Forces;
use super::venue::{password, username};
use anyhow::Context;
use dojima::wire::soup::LoginRequest;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

/// The time after which a stranger reconnects when its connection was closed.
const COMES_BACK: Duration = Duration::from_secs(1);

/// Interval between two bytes of a stranger that sends single bytes.
const BYTE_EVERY: Duration = Duration::from_secs(1);

/// The longest wait for the answer to an invented login.
const LOGIN_PATIENCE: Duration = Duration::from_secs(3);

/// Interval at which the due logins are sent.
const TICK: Duration = Duration::from_millis(5);

/// The strangers' counters.
#[derive(Clone, Default)]
pub(super) struct Tally(Arc<Counts>);

#[derive(Default)]
struct Counts {
    strangers: AtomicU64,
    logins: AtomicU64,
    failed: AtomicU64,
}

impl Tally {
    pub(super) fn strangers(&self) -> u64 {
        self.0.strangers.load(Ordering::Relaxed)
    }

    pub(super) fn logins(&self) -> u64 {
        self.0.logins.load(Ordering::Relaxed)
    }

    pub(super) fn failed(&self) -> u64 {
        self.0.failed.load(Ordering::Relaxed)
    }
}

/// The behaviour of a stranger.
#[derive(Clone, Copy)]
enum Habit {
    /// Sends nothing.
    Idle,
    /// Sends a login byte by byte.
    Drip,
    /// Sends half of a login.
    Half,
}

const HABITS: [Habit; 3] = [Habit::Idle, Habit::Drip, Habit::Half];

/// Runs all strangers on this thread until it is told to stop.
pub(super) fn run(
    address: SocketAddr,
    forces: Forces,
    tally: &Tally,
    over: &AtomicBool,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let login = login("NOBODY")?;
    runtime.block_on(async {
        for habit in HABITS.into_iter().cycle().take(forces.strangers as usize) {
            tokio::spawn(stranger(address, habit, login.clone(), tally.clone()));
        }
        flood(address, forces.logins_per_second, tally, over).await
    })
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    // Otherwise the ports of closed connections are used up after some ten thousand connections.
    socket.set_zero_linger()?;
    socket.connect(address).await
}

async fn stranger(address: SocketAddr, habit: Habit, login: Vec<u8>, tally: Tally) {
    loop {
        let connected = connect(address).await;
        let count = if connected.is_ok() { &tally.0.strangers } else { &tally.0.failed };
        count.fetch_add(1, Ordering::Relaxed);
        if let Ok(stream) = connected {
            behave(stream, habit, &login).await;
        }
        sleep(COMES_BACK).await;
    }
}

/// Behaves in this way until the server closes the connection.
async fn behave(mut stream: TcpStream, habit: Habit, login: &[u8]) {
    match habit {
        Habit::Idle => {}
        Habit::Drip => {
            for byte in login {
                let closed = timeout(BYTE_EVERY, stream.read_u8()).await;
                if closed.is_ok() || stream.write_u8(*byte).await.is_err() {
                    return;
                }
            }
        }
        Habit::Half => {
            if stream.write_all(&login[..login.len() / 2]).await.is_err() {
                return;
            }
        }
    }
    let _ = stream.read_u8().await;
}

fn login(name: &str) -> anyhow::Result<Vec<u8>> {
    let request = LoginRequest {
        username: username(name)?,
        password: password()?,
        session: None,
        sequence: 0,
        heartbeat_timeout_ms: None,
    };
    let mut bytes = Vec::new();
    request.push(&mut bytes);
    Ok(bytes)
}

async fn flood(address: SocketAddr, per_second: u32, tally: &Tally, over: &AtomicBool) -> anyhow::Result<()> {
    let (began, mut sent) = (Instant::now(), 0_u64);
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !over.load(Ordering::Relaxed) {
        ticks.tick().await;
        let due = (began.elapsed().as_secs_f64() * f64::from(per_second)) as u64;
        // A backlog of more than one second of logins is dropped.
        sent = sent.max(due.saturating_sub(u64::from(per_second)));
        while sent < due {
            sent += 1;
            let bytes = login(&invented(sent)).context("an invented name")?;
            tokio::spawn(invented_login(address, bytes, tally.clone()));
        }
    }
    Ok(())
}

/// A name that no user has.
fn invented(number: u64) -> String {
    let letter = |place: u32| char::from(b'A' + (number / 26_u64.pow(place) % 26) as u8);
    let letters: String = (0..5).map(letter).collect();
    format!("Z{letters}")
}

async fn invented_login(address: SocketAddr, bytes: Vec<u8>, tally: Tally) {
    let Ok(mut stream) = connect(address).await else {
        tally.0.failed.fetch_add(1, Ordering::Relaxed);
        return;
    };
    if stream.write_all(&bytes).await.is_ok() {
        tally.0.logins.fetch_add(1, Ordering::Relaxed);
        // Wait for the answer or the end of the connection.
        let _ = timeout(LOGIN_PATIENCE, stream.read(&mut [0; 64])).await;
    }
}
