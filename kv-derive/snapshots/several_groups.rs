#[doc(hidden)]
#[allow(unused_qualifications, clippy::absolute_paths)]
const _: () = {
    #[derive(::kv_runtime::__private::serde::Serialize)]
    #[serde(
        remote = "User",
        rename = "User",
        rename_all = "camelCase",
        crate = "::kv_runtime::__private::serde"
    )]
    struct __Write0 {
        user_name: String,
        expires: Option<SystemTime>,
    }
    #[derive(::kv_runtime::__private::serde::Deserialize)]
    #[serde(
        rename = "User",
        rename_all = "camelCase",
        crate = "::kv_runtime::__private::serde",
        expecting = "struct User"
    )]
    struct __Read0 {
        user_name: String,
        expires: Option<SystemTime>,
    }
    #[derive(::kv_runtime::__private::serde::Serialize)]
    #[serde(
        remote = "User",
        rename = "User",
        rename_all = "camelCase",
        crate = "::kv_runtime::__private::serde"
    )]
    struct __Write1 {
        theme: Theme,
        #[serde(default = "ten")]
        max_items: u32,
    }
    #[derive(::kv_runtime::__private::serde::Deserialize)]
    #[serde(
        rename = "User",
        rename_all = "camelCase",
        crate = "::kv_runtime::__private::serde",
        expecting = "struct User"
    )]
    struct __Read1 {
        theme: Theme,
        #[serde(default = "ten")]
        max_items: u32,
    }
    #[automatically_derived]
    impl ::kv_runtime::__private::KvEntity for User
    where
        u64: ::kv_runtime::__private::KvId,
        Option<SystemTime>: ::kv_runtime::__private::ExpiresAt,
        String: ::kv_runtime::__private::MaybeSend + ::kv_runtime::__private::MaybeSync,
        Option<
            SystemTime,
        >: ::kv_runtime::__private::MaybeSend + ::kv_runtime::__private::MaybeSync,
        Theme: ::kv_runtime::__private::MaybeSend + ::kv_runtime::__private::MaybeSync,
        u32: ::kv_runtime::__private::MaybeSend + ::kv_runtime::__private::MaybeSync,
    {
        type Id = u64;
        const SCHEMA: ::kv_runtime::__private::EntitySchema = ::kv_runtime::__private::EntitySchema::new(
                "User",
                "user",
                &[
                    ::kv_runtime::__private::IdSchema::new(
                        "id",
                        <u64 as ::kv_runtime::__private::KvId>::KIND,
                    ),
                ],
                &[
                    ::kv_runtime::__private::GroupSchema::new(
                        ::core::option::Option::Some("profile"),
                        2u32,
                        ::kv_runtime::__private::Codec::Json,
                    ),
                    ::kv_runtime::__private::GroupSchema::new(
                            ::core::option::Option::Some("settings"),
                            3u32,
                            ::kv_runtime::__private::Codec::Json,
                        )
                        .ttl_secs(2592000u64)
                        .optional(),
                ],
            )
            .declared(::core::module_path!(), ::core::line!());
        fn id(&self) -> Self::Id {
            ::kv_runtime::__private::cloned(&self.id)
        }
        fn set_id(&mut self, __id: Self::Id) {
            self.id = __id;
        }
        fn write_id(&self, __key: &mut ::kv_runtime::__private::KeyBuilder) {
            __key.push(&self.id);
        }
        const EXPIRES_BY_FIELD: bool = true;
        fn expires_at(
            &self,
        ) -> ::core::option::Option<::kv_runtime::__private::Timestamp> {
            <Option<
                SystemTime,
            > as ::kv_runtime::__private::ExpiresAt>::expires_at(&self.expires)
        }
        fn serialize_group<__S: ::kv_runtime::__private::serde::Serializer>(
            &self,
            __group: usize,
            __serializer: __S,
        ) -> ::core::result::Result<__S::Ok, __S::Error> {
            match __group {
                0 => <__Write0>::serialize(self, __serializer),
                1 => <__Write1>::serialize(self, __serializer),
                _ => ::kv_runtime::__private::no_such_group(__group, __serializer),
            }
        }
        fn from_groups<__G: ::kv_runtime::__private::GroupSource>(
            __id: Self::Id,
            __groups: &mut __G,
        ) -> ::core::result::Result<Self, __G::Error> {
            let __group0: __Read0 = __groups.required(0)?;
            let __group1: __Read1 = __groups
                .optional(
                    1,
                    || {
                        __Read1 {
                            theme: ::kv_runtime::__private::AbsentDefault::make(),
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
        fn visit_shape<__V: ::kv_runtime::__private::ShapeVisitor>(__visitor: &mut __V) {
            <__V as ::kv_runtime::__private::ShapeVisitor>::group::<
                __Read0,
            >(
                __visitor,
                0,
                &[("user_name", "String", &[]), ("expires", "Option<SystemTime>", &[])],
            );
            <__V as ::kv_runtime::__private::ShapeVisitor>::group::<
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
