//! Changes that cannot fail, in the form of changes that may.

/// A change that is made again after a conflict.
pub(crate) fn always<E, X>(mut change: impl FnMut(&mut E)) -> impl FnMut(&mut E) -> Result<(), X> {
    move |entity| {
        change(entity);
        Ok(())
    }
}

/// A change that is made once.
pub(crate) fn once<E, X>(change: impl FnOnce(&mut E)) -> impl FnOnce(&mut E) -> Result<(), X> {
    move |entity| {
        change(entity);
        Ok(())
    }
}
