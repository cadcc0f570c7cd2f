//! The demo's generated flow as events: what its traders send, applied to an exchange on this thread.

use dojima::domain::{
    Cancel, Command, Echo, Enter, EventRecord, LoginId, OrderCommand, Quantity, Replace, Stamp, UserRef,
};
use dojima::flow::generator::{GeneratorOptions, generate};
use dojima::flow::{ActionKind, FlowAction};
use dojima::replica::State;
use std::convert::Infallible;

/// As many as the demo has.
const SESSIONS: u16 = 4;
/// The pace of the stamps, nanoseconds a message.
const PACE_NS: u64 = 1_000;

/// An order as it was last asked to be.
#[derive(Clone, Copy, Default)]
struct Asked {
    user_ref: UserRef,
    total: u32,
}

/// The events of a flow of this many messages, with those that open its venue.
pub fn events(messages: usize) -> Vec<EventRecord> {
    let flow = generate(&GeneratorOptions { seed: 1, actions: messages, sessions: SESSIONS });
    let mut traders =
        Traders { asked: vec![Asked::default(); flow.order_names.len()], last_refs: [0; SESSIONS as usize] };
    let opening = flow.venue.config().opening_commands().expect("a valid venue");
    let commands = opening.into_iter().chain(flow.actions.iter().map(|action| traders.command(action)));
    let mut state = State::empty();
    let mut events = Vec::with_capacity(messages + messages / 8);
    for (sequence, command) in (1..).zip(commands) {
        let time = dojima::domain::Timestamp(1_795_000_000_000_000_000 + sequence * PACE_NS);
        let Ok(()) = state.apply(Stamp { sequence, time }, &command, &mut |event: &EventRecord| {
            events.push(*event);
            Ok::<(), Infallible>(())
        });
    }
    events
}

struct Traders {
    asked: Vec<Asked>,
    last_refs: [u32; SESSIONS as usize],
}

impl Traders {
    fn command(&mut self, action: &FlowAction) -> Command {
        let login = LoginId(u32::from(action.session.0));
        let last = &mut self.last_refs[usize::from(action.session.0)];
        let mut next_ref = || {
            *last += 1;
            UserRef(*last)
        };
        let asked = &mut self.asked[action.order.0 as usize];
        match action.kind {
            ActionKind::New { side, price, quantity, time_in_force } => {
                *asked = Asked { user_ref: next_ref(), total: quantity };
                Command::Order(OrderCommand::Enter(Enter {
                    login,
                    session: 0,
                    user_ref: asked.user_ref,
                    instrument: action.instrument,
                    side,
                    time_in_force,
                    price,
                    quantity: Quantity(u64::from(quantity)),
                    echo: Echo::default(),
                    instructions: None,
                }))
            }
            ActionKind::Replace { price, total } => {
                let orig_user_ref = asked.user_ref;
                *asked = Asked { user_ref: next_ref(), total };
                Command::Order(OrderCommand::Replace(Replace {
                    login,
                    orig_user_ref,
                    user_ref: asked.user_ref,
                    price,
                    quantity: Quantity(u64::from(total)),
                    ..Replace::default()
                }))
            }
            ActionKind::Reduce { .. } | ActionKind::Cancel => {
                let by = if let ActionKind::Reduce { by } = action.kind { by } else { u32::MAX };
                asked.total = asked.total.saturating_sub(by);
                let quantity = Quantity(u64::from(asked.total));
                Command::Order(OrderCommand::Cancel(Cancel {
                    login,
                    session: 0,
                    user_ref: asked.user_ref,
                    quantity,
                }))
            }
        }
    }
}
