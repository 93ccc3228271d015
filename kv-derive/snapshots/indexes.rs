#[doc(hidden)]
#[allow(unused_qualifications, clippy::absolute_paths)]
const _: () = {
    use ::kv_runtime::__private as __kv;
    #[derive(__kv::serde::Serialize)]
    #[serde(
        remote = "User",
        rename = "User",
        crate = "__kv::serde",
        bound(serialize = "")
    )]
    struct __Write0<T: Clone> {
        email: String,
        country: String,
        city: Option<String>,
        #[serde(default = "first_rank")]
        rank: u32,
        #[serde(skip)]
        __marker: ::core::marker::PhantomData<fn() -> (T,)>,
    }
    #[derive(__kv::serde::Deserialize)]
    #[serde(
        rename = "User",
        crate = "__kv::serde",
        bound(deserialize = ""),
        expecting = "struct User"
    )]
    struct __Read0<T: Clone> {
        email: String,
        country: String,
        city: Option<String>,
        #[serde(default = "first_rank")]
        rank: u32,
        #[serde(skip)]
        __marker: ::core::marker::PhantomData<fn() -> (T,)>,
    }
    #[derive(__kv::serde::Serialize)]
    #[serde(
        remote = "User",
        rename = "User",
        crate = "__kv::serde",
        bound(serialize = "T : __kv :: serde :: Serialize")
    )]
    struct __Write1<T: Clone> {
        theme: T,
        r#type: Kind,
        #[serde(skip)]
        __marker: ::core::marker::PhantomData<fn() -> (T,)>,
    }
    #[derive(__kv::serde::Deserialize)]
    #[serde(
        rename = "User",
        crate = "__kv::serde",
        bound(deserialize = "T : __kv :: serde :: de :: DeserializeOwned"),
        expecting = "struct User"
    )]
    struct __Read1<T: Clone> {
        theme: T,
        r#type: Kind,
        #[serde(skip)]
        __marker: ::core::marker::PhantomData<fn() -> (T,)>,
    }
    const fn __normaliser0<T: Clone>() -> __kv::Normaliser<String>
    where
        String: __kv::IndexValue,
        Option<String>: __kv::IndexValue,
        u32: __kv::IndexValue,
        T: __kv::IndexValue,
        Kind: __kv::IndexValue,
    {
        |__value| lower(__value)
    }
    const fn __normaliser1<T: Clone>() -> __kv::Normaliser<String>
    where
        String: __kv::IndexValue,
        Option<String>: __kv::IndexValue,
        u32: __kv::IndexValue,
        T: __kv::IndexValue,
        Kind: __kv::IndexValue,
    {
        |__value| <User<T>>::domain(__value)
    }
    #[automatically_derived]
    impl<T: Clone, __S: __kv::IndexStore> __kv::StoredIn<__S> for User<T> {}
    #[automatically_derived]
    impl<T: Clone> __kv::KvEntity for User<T>
    where
        u64: __kv::KvId,
        String: __kv::IndexValue,
        Option<String>: __kv::IndexValue,
        u32: __kv::IndexValue,
        T: __kv::IndexValue,
        Kind: __kv::IndexValue,
        Self: __kv::MaybeSend + __kv::MaybeSync + 'static,
        T: __kv::serde::Serialize,
        T: __kv::serde::de::DeserializeOwned,
    {
        type Id = u64;
        const SCHEMA: __kv::EntitySchema = __kv::EntitySchema::new(
                "User",
                "user",
                &[__kv::IdSchema::new("id", <u64 as __kv::KvId>::KIND)],
                &[
                    __kv::GroupSchema::new(
                        ::core::option::Option::Some("profile"),
                        1u32,
                        __kv::Codec::Json,
                    ),
                    __kv::GroupSchema::new(
                        ::core::option::Option::Some("settings"),
                        1u32,
                        __kv::Codec::Json,
                    ),
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
        const INDEXES: &'static [__kv::IndexSchema] = &[
            __kv::IndexSchema::new("email", 0, &[__kv::IndexPart::of::<String>("email")])
                .unique()
                .normalised("lower")
                .generation(2u32),
            __kv::IndexSchema::new(
                    "by_domain",
                    0,
                    &[__kv::IndexPart::of::<String>("email")],
                )
                .normalised("<User<T>>::domain"),
            __kv::IndexSchema::new("rank", 0, &[__kv::IndexPart::of::<u32>("rank")]),
            __kv::IndexSchema::new("theme", 1, &[__kv::IndexPart::of::<T>("theme")]),
            __kv::IndexSchema::new(
                    "by_city",
                    0,
                    &[
                        __kv::IndexPart::of::<String>("country"),
                        __kv::IndexPart::of::<Option<String>>("city"),
                    ],
                )
                .shown(),
            __kv::IndexSchema::new(
                    "by_theme",
                    1,
                    &[
                        __kv::IndexPart::of::<T>("theme"),
                        __kv::IndexPart::of::<Kind>("type"),
                    ],
                )
                .unique(),
        ];
        fn write_index(&self, __index: usize, __parts: &mut __kv::IndexParts) {
            match __index {
                0 => {
                    __kv::write_normalised::<
                        String,
                    >(&self.email, __normaliser0::<T>(), __parts);
                }
                1 => {
                    __kv::write_normalised::<
                        String,
                    >(&self.email, __normaliser1::<T>(), __parts);
                }
                2 => {
                    <u32 as __kv::IndexValue>::write(&self.rank, __parts);
                }
                3 => {
                    <T as __kv::IndexValue>::write(&self.theme, __parts);
                }
                4 => {
                    <String as __kv::IndexValue>::write(&self.country, __parts);
                    <Option<String> as __kv::IndexValue>::write(&self.city, __parts);
                }
                5 => {
                    <T as __kv::IndexValue>::write(&self.theme, __parts);
                    <Kind as __kv::IndexValue>::write(&self.r#type, __parts);
                }
                _ => {}
            }
        }
        fn serialize_group<__S: __kv::serde::Serializer>(
            &self,
            __group: usize,
            __serializer: __S,
        ) -> ::core::result::Result<__S::Ok, __S::Error> {
            match __group {
                0 => <__Write0<T>>::serialize(self, __serializer),
                1 => <__Write1<T>>::serialize(self, __serializer),
                _ => __kv::no_such_group(__group, __serializer),
            }
        }
        fn from_groups<__G: __kv::GroupSource>(
            __id: Self::Id,
            __groups: &mut __G,
        ) -> ::core::result::Result<Self, __G::Error> {
            let __group0: __Read0<T> = __groups.required(0)?;
            let __group1: __Read1<T> = __groups.required(1)?;
            ::core::result::Result::Ok(Self {
                id: __id,
                email: __group0.email,
                country: __group0.country,
                city: __group0.city,
                rank: __group0.rank,
                theme: __group1.theme,
                r#type: __group1.r#type,
            })
        }
        fn visit_shape<__V: __kv::ShapeVisitor>(__visitor: &mut __V) {
            <__V as __kv::ShapeVisitor>::group::<
                __Read0<T>,
            >(
                __visitor,
                0,
                &[
                    ("email", "String", &[]),
                    ("country", "String", &[]),
                    ("city", "Option<String>", &[]),
                    ("rank", "u32", &["default = \"first_rank\""]),
                ],
            );
            <__V as __kv::ShapeVisitor>::group::<
                __Read1<T>,
            >(__visitor, 1, &[("theme", "T", &[]), ("type", "Kind", &[])]);
        }
    }
    #[automatically_derived]
    impl<T: Clone> __kv::Touch for User<T>
    where
        Self: __kv::KvEntity,
    {}
    impl<T: Clone> User<T>
    where
        String: __kv::IndexValue,
        Option<String>: __kv::IndexValue,
        u32: __kv::IndexValue,
        T: __kv::IndexValue,
        Kind: __kv::IndexValue,
    {
        /// The unique index on `email`. A lookup: `collection.by(User::EMAIL).get(email).await`.
        pub(crate) const EMAIL: __kv::Unique<Self, String> = __kv::Unique::new(0)
            .normalised(__normaliser0::<T>());
        /// The index on `email`. A lookup: `collection.by(User::BY_DOMAIN).equal(email).page().await`.
        pub(crate) const BY_DOMAIN: __kv::Index<Self, String> = __kv::Index::new(1)
            .normalised(__normaliser1::<T>());
        /// The index on `rank`. A lookup: `collection.by(User::RANK).equal(rank).page().await`.
        pub(crate) const RANK: __kv::Index<Self, u32> = __kv::Index::new(2);
        /// The index on `theme`. A lookup: `collection.by(User::THEME).equal(theme).page().await`.
        pub(crate) const THEME: __kv::Index<Self, T> = __kv::Index::new(3);
        /// The index on `country` and `city`. A lookup: `collection.by(User::BY_CITY).equal((country, city)).page().await`.
        pub(crate) const BY_CITY: __kv::Index<Self, (String, Option<String>)> = __kv::Index::new(
            4,
        );
        /// The unique index on `theme` and `type`. A lookup: `collection.by(User::BY_THEME).get((theme, type)).await`.
        pub(crate) const BY_THEME: __kv::Unique<Self, (T, Kind)> = __kv::Unique::new(5);
    }
    const _: u32 = first_rank();
};
/// The group `profile` of [`User`]: an entity by itself, under the same key.
#[derive(::kv_runtime::KvEntity)]
#[kv(
    prefix = "user",
    group = "profile",
    version = 1,
    codec = "json",
    index(on(country, city), name = "by_city", shown),
    __view_of = "User"
)]
pub(crate) struct UserProfile {
    #[kv(id)]
    id: u64,
    #[kv(unique(generation = 2, with = lower))]
    #[kv(index(name = "by_domain", with = <User<T>>::domain))]
    email: String,
    country: String,
    city: Option<String>,
    #[kv(index)]
    #[serde(default = "first_rank")]
    rank: u32,
}
/// The group `settings` of [`User`]: an entity by itself, under the same key.
#[derive(::kv_runtime::KvEntity)]
#[kv(
    prefix = "user",
    group = "settings",
    version = 1,
    codec = "json",
    index(on(theme, r#type), unique, name = "by_theme"),
    __view_of = "User"
)]
pub(crate) struct UserSettings<T: Clone> {
    #[kv(id)]
    id: u64,
    #[kv(index)]
    theme: T,
    r#type: Kind,
}
