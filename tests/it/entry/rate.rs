//! How many messages a login may send in a second.

use super::raw::{Raw, address, order, start};
use crate::support::engines::small_config;
use dojima::config::Durability;
use dojima::domain::UserRef;
use dojima::runtime::ThreadingMode;
use dojima::wire::ouch::Outbound;
use dojima::wire::soup::kind;
use tempfile::TempDir;

/// How many of 30 orders that are sent at once are refused for their number.
fn refused(of_all: u32, own: u32) -> usize {
    /// `J`, OUCH's reason for too many orders.
    const TOO_MANY: u16 = 0x29;
    let folder = TempDir::new().expect("a directory");
    let mut config = small_config(ThreadingMode::Shared, Durability::Sync);
    config.gateway.messages_per_second = of_all;
    let login = config.accounts.iter_mut().flat_map(|account| &mut account.logins).next();
    let login = login.expect("a login");
    login.messages_per_second = own;
    let name = login.username.clone();
    let engine = start(&config, folder.path());
    let mut client = Raw::log_in(address(&engine), &name, 0);
    // All at once, so that they are taken at one time.
    let orders: Vec<u8> = (1..=30).flat_map(|user_ref| order(user_ref, b'B', 5_000_000)).collect();
    client.send(&orders);
    let (mut told, mut refused) = (0, 0);
    while told < 30 {
        let (kind::SEQUENCED, payload) = client.packet() else { continue };
        match Outbound::decode(&payload).expect("a message") {
            Outbound::Accepted(message, _) if message.user_ref == UserRef(told + 1) => told += 1,
            Outbound::Rejected(message, _) if message.user_ref == UserRef(told + 1) => {
                assert_eq!(message.reason, TOO_MANY);
                (told, refused) = (told + 1, refused + 1);
            }
            _ => {}
        }
    }
    engine.stop().expect("an orderly end");
    refused
}

#[test]
fn a_login_has_its_own_rate_or_that_of_all_or_none() {
    // 30 are far from twice the burst, which would end the connection.
    assert!((1..=5).contains(&refused(25, 0)), "that of all");
    assert!((1..=5).contains(&refused(0, 25)), "its own");
    assert_eq!(refused(25, 1_000), 0, "its own is higher");
    assert_eq!(refused(0, 0), 0, "none");
}
