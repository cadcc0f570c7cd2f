//! What the engine is held against: the plainest servers that make an order durable before they answer.

use crate::line::PLAIN_LEN;
use crate::report::Disk;
use dojima_journal::storage::{FileStorage, Storage, Writing};
use mio::{Events, Interest, Poll, Token};
use rusqlite::Connection;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// What a server writes for an order.
const RECORD_LEN: usize = 128;
const FILE_LEN: u64 = 64 << 20;

/// Serves one connection after the other; says where first.
fn serve(mut answer: impl FnMut(&[u8; PLAIN_LEN])) -> ! {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    loop {
        let (mut socket, _) = listener.accept().expect("a connection");
        socket.set_nodelay(true).expect("no delay");
        let mut request = [0; PLAIN_LEN];
        while socket.read_exact(&mut request).is_ok() {
            answer(&request);
            if socket.write_all(&request).is_err() {
                break;
            }
        }
    }
}

pub fn echo() -> ! {
    serve(|_| {})
}

/// The same for a server that may have many sockets: it waits for all of them, and reads those that have something.
pub fn echo_of_many() -> ! {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    let (mut poll, mut events) = (Poll::new().expect("a poll"), Events::with_capacity(64));
    loop {
        let (mut socket, _) = listener.accept().expect("a connection");
        socket.set_nodelay(true).expect("no delay");
        socket.set_nonblocking(true).expect("non-blocking");
        let mut source = mio::net::TcpStream::from_std(socket.try_clone().expect("a descriptor"));
        poll.registry().register(&mut source, Token(0), Interest::READABLE).expect("watched");
        let (mut request, mut len) = ([0; PLAIN_LEN], 0);
        loop {
            match socket.read(&mut request[len..]) {
                Ok(0) => break,
                Ok(bytes) => len += bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    poll.poll(&mut events, None).expect("woken");
                }
                Err(_) => break,
            }
            if len == PLAIN_LEN {
                len = 0;
                if socket.write_all(&request).is_err() {
                    break;
                }
            }
        }
    }
}

/// Space that is written already, so that a sync has nothing but the record to write.
struct Zeroed {
    file: File,
    at: u64,
}

impl Zeroed {
    fn new(folder: &Path) -> Self {
        let storage = FileStorage::new(folder);
        let never = AtomicBool::new(false);
        storage.create("records", FILE_LEN, &[], Writing::Mapped, &never).expect("a file");
        let file = OpenOptions::new().write(true).open(folder.join("records")).expect("it is there");
        Self { file, at: 0 }
    }

    fn write(&mut self, records: &[u8]) {
        if self.at + records.len() as u64 > FILE_LEN {
            self.at = 0;
        }
        self.file.write_all_at(records, self.at).expect("written");
        self.file.sync_data().expect("synced");
        self.at += records.len() as u64;
    }
}

/// One record and one sync for every order.
pub fn plain(folder: &Path) -> ! {
    let mut file = Zeroed::new(folder);
    serve(|request| file.write(&record(request)))
}

fn record(request: &[u8; PLAIN_LEN]) -> [u8; RECORD_LEN] {
    let mut record = [0x5A; RECORD_LEN];
    record[..PLAIN_LEN].copy_from_slice(request);
    record
}

/// The columns of an order, for SQLite and PostgreSQL.
pub const TABLE: &str = "CREATE TABLE orders (id BIGINT PRIMARY KEY, account INTEGER NOT NULL, \
    symbol TEXT NOT NULL, side INTEGER NOT NULL, price BIGINT NOT NULL, quantity BIGINT NOT NULL, \
    state INTEGER NOT NULL, entered BIGINT NOT NULL)";
pub const INDEX: &str = "CREATE INDEX orders_of_account ON orders (account, state)";

/// The numbers in a row, the symbol aside: of every order other ones.
pub fn row(number: u64) -> [i64; 7] {
    let number = number as i64;
    [number, number % 1_000, number % 2, 6_000_000 + number % 400, 100 + number % 50_000, 1, number * 1_000]
}

/// A transaction in SQLite for every order.
pub fn sqlite(folder: &Path) -> ! {
    let database = Connection::open(folder.join("orders.sqlite")).expect("a database");
    database.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;").expect("set");
    database.execute_batch(&format!("{TABLE}; {INDEX};")).expect("a table");
    serve(|request| {
        let [id, account, side, price, quantity, state, entered] =
            row(u64::from_le_bytes(*request.first_chunk().expect("it is longer")));
        let mut insert =
            database.prepare_cached("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?)").expect("SQL");
        let values = rusqlite::params![id, account, "BTC-USDT", side, price, quantity, state, entered];
        insert.execute(values).expect("committed");
    })
}

/// One connection of the server that commits in groups.
struct Member {
    socket: TcpStream,
    input: Vec<u8>,
    output: Vec<u8>,
}

/// One thread that reads all sockets, writes all that came, syncs once, and answers all.
pub fn group(folder: &Path, connections: usize) -> ! {
    let mut file = Zeroed::new(folder);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    let mut poll = Poll::new().expect("a poll");
    let mut members = Vec::new();
    for number in 0..connections {
        let (socket, _) = listener.accept().expect("a connection");
        socket.set_nodelay(true).expect("no delay");
        socket.set_nonblocking(true).expect("non-blocking");
        let mut source = mio::net::TcpStream::from_std(socket.try_clone().expect("a descriptor"));
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut source, Token(number), interest).expect("watched");
        members.push((Member { socket, input: Vec::new(), output: Vec::new() }, source));
    }
    let (mut events, mut records) = (Events::with_capacity(64), Vec::new());
    loop {
        records.clear();
        let mut open = 0;
        for (member, _) in &mut members {
            open += usize::from(member.read(&mut records));
        }
        if open == 0 {
            std::process::exit(0);
        }
        if records.is_empty() {
            members.iter_mut().for_each(|(member, _)| member.write());
            poll.poll(&mut events, None).expect("woken");
            continue;
        }
        file.write(&records);
        members.iter_mut().for_each(|(member, _)| member.write());
    }
}

impl Member {
    /// Adds the records of what has come; whether the client is still there.
    fn read(&mut self, records: &mut Vec<u8>) -> bool {
        let mut buffer = [0; 1 << 16];
        match self.socket.read(&mut buffer) {
            Ok(0) => return false,
            Ok(len) => self.input.extend_from_slice(&buffer[..len]),
            Err(error) => return error.kind() == ErrorKind::WouldBlock,
        }
        let (requests, _) = self.input.as_chunks::<PLAIN_LEN>();
        requests.iter().for_each(|request| records.extend_from_slice(&record(request)));
        let whole = requests.len() * PLAIN_LEN;
        self.output.extend(self.input.drain(..whole));
        true
    }

    fn write(&mut self) {
        if self.output.is_empty() {
            return;
        }
        // What the socket does not take waits for the next round; a client that has gone is seen at the next read.
        if let Ok(len) = self.socket.write(&self.output) {
            self.output.drain(..len);
        }
    }
}

/// Two threads that want a core each, all the time, in a process of their own.
pub fn spin() -> ! {
    let spin = || {
        loop {
            std::hint::spin_loop();
        }
    };
    std::thread::spawn(spin);
    println!("127.0.0.1:0");
    spin()
}

/// A folder of its own for a server.
pub fn folder(disk: &Disk, name: &str) -> std::path::PathBuf {
    let folder = disk.folder().join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}
