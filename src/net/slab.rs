//! A table of connections with lookup by number in constant time. Numbers are never reused.

use super::ConnectionId;

struct Slot<T> {
    generation: u32,
    connection: Option<T>,
}

/// A table with a fixed maximum of connections.
pub struct Slab<T> {
    slots: Vec<Slot<T>>,
    /// Places without a connection.
    free: Vec<usize>,
    open: usize,
    open_max: usize,
}

impl<T> Slab<T> {
    /// An empty table for `open_max` connections.
    pub fn new(open_max: usize) -> Self {
        Self { slots: Vec::new(), free: Vec::new(), open: 0, open_max }
    }

    /// The number of connections.
    pub fn len(&self) -> usize {
        self.open
    }

    /// Whether there are no connections.
    pub fn is_empty(&self) -> bool {
        self.open == 0
    }

    /// The number of places, with or without a connection: the range of [`Slab::at`].
    #[inline]
    pub fn places(&self) -> usize {
        self.slots.len()
    }

    /// The connection in this place.
    #[inline]
    pub fn at(&mut self, place: usize) -> Option<&mut T> {
        self.slots.get_mut(place)?.connection.as_mut()
    }

    /// All connections with their places.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        (0..).zip(&self.slots).filter_map(|(place, slot)| Some((place, slot.connection.as_ref()?)))
    }

    /// The connection with this number, if it is still open.
    #[inline]
    pub fn get(&mut self, id: ConnectionId) -> Option<&mut T> {
        let slot = self.slots.get_mut(id.place())?;
        slot.connection.as_mut().filter(|_| slot.generation == id.generation())
    }

    /// Adds the connection that `make` creates for its number. Returns the error of `make`, in which case nothing is
    /// added; `None` if there is no room.
    pub fn insert<E>(&mut self, make: impl FnOnce(ConnectionId) -> Result<T, E>) -> Option<Result<(), E>> {
        if self.is_full() {
            return None;
        }
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                self.slots.push(Slot { generation: 0, connection: None });
                self.slots.len() - 1
            }
        };
        let slot = &mut self.slots[place];
        slot.generation = slot.generation.wrapping_add(1);
        let made = make(ConnectionId::new(place, slot.generation));
        match made {
            Ok(connection) => {
                slot.connection = Some(connection);
                self.open += 1;
                Some(Ok(()))
            }
            Err(error) => {
                self.free.push(place);
                Some(Err(error))
            }
        }
    }

    /// Whether all places are taken.
    pub fn is_full(&self) -> bool {
        self.open == self.open_max
    }

    /// The place of the connection with the smallest `since`; connections with `None` are ignored.
    pub fn oldest<K: Ord>(&self, since: impl Fn(&T) -> Option<K>) -> Option<usize> {
        self.iter()
            .filter_map(|(place, connection)| Some((since(connection)?, place)))
            .min()
            .map(|(_, place)| place)
    }

    /// Removes the connection in this place.
    pub fn remove(&mut self, place: usize) -> Option<T> {
        let connection = self.slots.get_mut(place)?.connection.take()?;
        self.open -= 1;
        self.free.push(place);
        Some(connection)
    }
}
