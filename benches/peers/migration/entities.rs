//! The profile at two ages, once for each way from the one to the other: its `name` became a `user_name`.

use kv_runtime::index::StoredIn;
use kv_runtime::migrate::Object;
use kv_runtime::store::RedbStore;
use kv_runtime::{BoxError, KvEntity};

use crate::support::profile::{Profile, Role};

/// A profile as an entity, with the attributes that make it one of an age, and those of the field that changed.
macro_rules! user {
    ($(#[$of_user:meta])* $User:ident, $(#[$of_name:meta])* $name:ident) => {
        #[derive(KvEntity, Clone, Debug, PartialEq)]
        $(#[$of_user])*
        pub struct $User {
            #[kv(id)]
            pub id: u64,
            $(#[$of_name])*
            pub $name: String,
            pub email: String,
            pub role: Role,
            pub bio: String,
            pub avatar_url: String,
            pub locale: String,
            pub interests: Vec<String>,
            pub last_seen: u64,
            pub logins: u32,
            pub is_verified: bool,
        }

        impl User for $User {
            fn sample(id: u64) -> Self {
                let Profile { name, email, role, bio, avatar_url, locale, interests, last_seen, logins, is_verified } =
                    Profile::sample(id);
                Self { id, $name: name, email, role, bio, avatar_url, locale, interests, last_seen, logins, is_verified }
            }
        }
    };
}

/// What a typed step is.
macro_rules! typed_step {
    ($Old:ident => $New:ident) => {
        impl From<$Old> for $New {
            fn from(old: $Old) -> Self {
                let $Old {
                    id,
                    name,
                    email,
                    role,
                    bio,
                    avatar_url,
                    locale,
                    interests,
                    last_seen,
                    logins,
                    is_verified,
                } = old;
                Self {
                    id,
                    user_name: name,
                    email,
                    role,
                    bio,
                    avatar_url,
                    locale,
                    interests,
                    last_seen,
                    logins,
                    is_verified,
                }
            }
        }
    };
}
pub(crate) use typed_step;

pub trait User: KvEntity<Id = u64> + StoredIn<RedbStore> + PartialEq + std::fmt::Debug {
    /// One of many that differ.
    fn sample(id: u64) -> Self;
}

user!(
    #[kv(prefix = "user", codec = "postcard")]
    OldPostcard,
    name
);
user!(
    #[kv(prefix = "user", codec = "postcard", version = 2, previous = OldPostcard)]
    TypedPostcard,
    user_name
);
typed_step!(OldPostcard => TypedPostcard);

user!(
    #[kv(prefix = "user")]
    OldJson,
    name
);
user!(
    #[kv(prefix = "user", version = 2, previous = OldJson)]
    TypedJson,
    user_name
);
typed_step!(OldJson => TypedJson);
user!(
    #[kv(prefix = "user", version = 2)]
    AttributesJson,
    #[kv(renamed(from = "name", since = 2))]
    user_name
);
user!(
    #[kv(prefix = "user", version = 2, step(1 => rename))]
    FunctionJson,
    user_name
);

fn rename(user: &mut Object) -> Result<(), BoxError> {
    let name = user.remove("name").ok_or("there is no name")?;
    user.insert("user_name".to_owned(), name);
    Ok(())
}

// The shape of five versions, and the same one without a past. The first version is read by a predecessor; the others follow by a
// function and by attributes.
user!(
    #[kv(prefix = "user", version = 5, previous = OldJson)]
    #[kv(step(2 => rename), removed(name = "age", since = 4), removed(name = "theme", since = 5))]
    FiveVersions,
    user_name
);
typed_step!(OldJson => FiveVersions);
user!(
    #[kv(prefix = "user")]
    OneVersion,
    user_name
);
