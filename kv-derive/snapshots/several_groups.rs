#[doc(hidden)]
#[allow(unused_qualifications, clippy::absolute_paths)]
const _: () = {
    use ::kv_runtime::__private as __kv;
    #[derive(__kv::serde::Serialize)]
    #[serde(
        remote = "User",
        rename = "User",
        rename_all = "camelCase",
        crate = "__kv::serde"
    )]
    struct __Write0 {
        user_name: String,
        expires: Option<SystemTime>,
    }
    #[derive(__kv::serde::Deserialize)]
    #[serde(
        rename = "User",
        rename_all = "camelCase",
        crate = "__kv::serde",
        expecting = "struct User"
    )]
    struct __Read0 {
        user_name: String,
        expires: Option<SystemTime>,
    }
    #[derive(__kv::serde::Serialize)]
    #[serde(
        remote = "User",
        rename = "User",
        rename_all = "camelCase",
        crate = "__kv::serde"
    )]
    struct __Write1 {
        theme: Theme,
        #[serde(default = "ten")]
        max_items: u32,
    }
    #[derive(__kv::serde::Deserialize)]
    #[serde(
        rename = "User",
        rename_all = "camelCase",
        crate = "__kv::serde",
        expecting = "struct User"
    )]
    struct __Read1 {
        theme: Theme,
        #[serde(default = "ten")]
        max_items: u32,
    }
    #[automatically_derived]
    impl<__S: __kv::Store> __kv::StoredIn<__S> for User {}
    #[automatically_derived]
    impl __kv::KvEntity for User
    where
        u64: __kv::KvId,
        Option<SystemTime>: __kv::ExpiresAt,
        String: __kv::MaybeSend + __kv::MaybeSync,
        Option<SystemTime>: __kv::MaybeSend + __kv::MaybeSync,
        Theme: __kv::MaybeSend + __kv::MaybeSync,
        u32: __kv::MaybeSend + __kv::MaybeSync,
    {
        type Id = u64;
        const SCHEMA: __kv::EntitySchema = __kv::EntitySchema::new(
                "User",
                "user",
                &[__kv::IdSchema::new("id", <u64 as __kv::KvId>::KIND)],
                &[
                    __kv::GroupSchema::new(
                        ::core::option::Option::Some("profile"),
                        2u32,
                        __kv::Codec::Json,
                    ),
                    __kv::GroupSchema::new(
                            ::core::option::Option::Some("settings"),
                            3u32,
                            __kv::Codec::Json,
                        )
                        .ttl_secs(2592000u64)
                        .optional(),
                ],
            )
            .declared(::core::module_path!(), ::core::line!());
        fn id(&self) -> Self::Id {
            __kv::cloned(&self.id)
        }
        fn set_id(&mut self, __id: Self::Id) {
            self.id = __id;
        }
        fn write_id(&self, __key: &mut __kv::KeyBuilder) {
            __key.push(&self.id);
        }
        const EXPIRES_BY_FIELD: bool = true;
        fn expires_at(&self) -> ::core::option::Option<__kv::Timestamp> {
            <Option<SystemTime> as __kv::ExpiresAt>::expires_at(&self.expires)
        }
        fn serialize_group<__S: __kv::serde::Serializer>(
            &self,
            __group: usize,
            __serializer: __S,
        ) -> ::core::result::Result<__S::Ok, __S::Error> {
            match __group {
                0 => <__Write0>::serialize(self, __serializer),
                1 => <__Write1>::serialize(self, __serializer),
                _ => __kv::no_such_group(__group, __serializer),
            }
        }
        fn from_groups<__G: __kv::GroupSource>(
            __id: Self::Id,
            __groups: &mut __G,
        ) -> ::core::result::Result<Self, __G::Error> {
            let __group0: __Read0 = __groups.required(0)?;
            let __group1: __Read1 = __groups
                .optional(
                    1,
                    || {
                        __Read1 {
                            theme: __kv::AbsentDefault::make(),
                            max_items: ten(),
                        }
                    },
                )?;
            ::core::result::Result::Ok(Self {
                id: __id,
                user_name: __group0.user_name,
                expires: __group0.expires,
                theme: __group1.theme,
                max_items: __group1.max_items,
            })
        }
        fn visit_shape<__V: __kv::ShapeVisitor>(__visitor: &mut __V) {
            <__V as __kv::ShapeVisitor>::group::<
                __Read0,
            >(
                __visitor,
                0,
                &[("user_name", "String", &[]), ("expires", "Option<SystemTime>", &[])],
            );
            <__V as __kv::ShapeVisitor>::group::<
                __Read1,
            >(
                __visitor,
                1,
                &[("theme", "Theme", &[]), ("max_items", "u32", &["default = \"ten\""])],
            );
        }
    }
};
/// The group `profile` of [`User`]: an entity by itself, under the same key.
#[derive(::kv_runtime::KvEntity)]
#[kv(
    prefix = "user",
    group = "profile",
    version = 2,
    codec = "json",
    oldest = 2,
    __view_of = "User"
)]
#[serde(rename_all = "camelCase")]
pub struct UserProfile {
    #[kv(id)]
    pub id: u64,
    /// Shown to others.
    pub user_name: String,
    #[kv(expires_at)]
    pub expires: Option<SystemTime>,
}
/// The group `settings` of [`User`]: an entity by itself, under the same key.
#[derive(Debug, Clone)]
#[derive(::kv_runtime::KvEntity)]
#[kv(
    prefix = "user",
    group = "settings",
    version = 3,
    codec = "json",
    ttl = "30d",
    oldest = 3,
    __view_of = "User"
)]
#[serde(rename_all = "camelCase")]
pub struct UserPrefs {
    #[kv(id)]
    pub id: u64,
    theme: Theme,
    #[serde(default = "ten")]
    max_items: u32,
}
