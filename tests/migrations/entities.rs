//! One entity at several ages, and others for what it does not show.

use kv_runtime::KvEntity;
use kv_runtime::migrate::Object;

/// As it was first.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "user", group = "profile")]
pub struct UserV1 {
    #[kv(id)]
    pub id: u64,
    pub name: String,
    pub visits: u32,
}

/// A member was added: code of version 1 reads it.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "user", group = "profile", version = 2)]
pub struct UserV2 {
    #[kv(id)]
    pub id: u64,
    pub name: String,
    pub visits: u32,
    #[kv(added(since = 2, default = "guest".to_owned()))]
    pub role: String,
}

/// A member has another name, one is gone, and the role became a list. The field that version 2
/// added is no more, so its addition is a function.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "user", group = "profile", version = 4)]
#[kv(step(1 => add_role, down = remove_role, compatible))]
#[kv(removed(name = "visits", since = 3, default = 0))]
#[kv(step(3 => role_to_roles, down = roles_to_role))]
pub struct User {
    #[kv(id)]
    pub id: u64,
    #[kv(renamed(from = "name", since = 3))]
    pub user_name: String,
    pub roles: Vec<String>,
}

/// The current struct, written as version 2 until every reader is deployed.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "user", group = "profile", version = 4, write_version = 2)]
#[kv(step(1 => add_role, down = remove_role, compatible))]
#[kv(removed(name = "visits", since = 3, default = 0))]
#[kv(step(3 => role_to_roles, down = roles_to_role))]
pub struct CautiousUser {
    #[kv(id)]
    pub id: u64,
    #[kv(renamed(from = "name", since = 3))]
    pub user_name: String,
    pub roles: Vec<String>,
}

type Stepped = Result<(), kv_runtime::BoxError>;

fn add_role(user: &mut Object) -> Stepped {
    user.entry("role").or_insert_with(|| "guest".into());
    Ok(())
}

fn remove_role(user: &mut Object) -> Stepped {
    user.remove("role");
    Ok(())
}

fn role_to_roles(user: &mut Object) -> Stepped {
    let role = user.remove("role").ok_or("there is no role")?;
    if role == "panic" {
        panic!("a step that panics");
    }
    user.insert("roles".to_owned(), vec![role].into());
    Ok(())
}

fn roles_to_role(user: &mut Object) -> Stepped {
    let roles = user.remove("roles").ok_or("there are no roles")?;
    user.insert("role".to_owned(), roles.get(0).cloned().unwrap_or_else(|| "guest".into()));
    Ok(())
}

/// A typed predecessor, in a binary codec.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "point", codec = "postcard")]
pub struct PointV1 {
    #[kv(id)]
    pub id: u32,
    pub x: i32,
    pub y: i32,
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "point", version = 2, previous = PointV1, codec = "postcard")]
pub struct Point {
    #[kv(id)]
    pub id: u32,
    pub at: (f64, f64),
}

impl TryFrom<PointV1> for Point {
    type Error = String;

    fn try_from(point: PointV1) -> Result<Self, String> {
        if point.x < 0 {
            return Err("points have no negative abscissa any more".to_owned());
        }
        Ok(Self { id: point.id, at: (point.x.into(), point.y.into()) })
    }
}

/// Two groups, of which one has changed.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "device")]
#[kv(group(name = "state"))]
#[kv(group(name = "config", version = 2, optional))]
pub struct Device {
    #[kv(id)]
    pub id: u32,
    #[kv(group = "state")]
    pub online: bool,
    #[kv(group = "config", renamed(from = "interval", since = 2))]
    pub interval_ms: u64,
}
