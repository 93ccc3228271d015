#[doc(hidden)]
#[allow(unused_qualifications, clippy::absolute_paths)]
const _: () = {
    use ::kv_runtime::__private as __kv;
    #[derive(__kv::serde::Serialize)]
    #[serde(
        remote = "Cached",
        rename = "Cached",
        crate = "__kv::serde",
        bound(
            serialize = "Option < T > : __kv :: serde :: Serialize , Hashes < N > : __kv :: serde :: Serialize"
        )
    )]
    struct __Write0<T: Clone, const N: usize>
    where
        T: Shown,
    {
        value: Option<T>,
        hashes: Hashes<N>,
        #[serde(skip)]
        __marker: ::core::marker::PhantomData<fn() -> (T,)>,
    }
    #[derive(__kv::serde::Deserialize)]
    #[serde(
        rename = "Cached",
        crate = "__kv::serde",
        bound(
            deserialize = "Option < T > : __kv :: serde :: de :: DeserializeOwned , Hashes < N > : __kv :: serde :: de :: DeserializeOwned"
        ),
        expecting = "struct Cached"
    )]
    struct __Read0<T: Clone, const N: usize>
    where
        T: Shown,
    {
        value: Option<T>,
        hashes: Hashes<N>,
        #[serde(skip)]
        __marker: ::core::marker::PhantomData<fn() -> (T,)>,
    }
    #[derive(__kv::serde::Serialize)]
    #[serde(
        remote = "Cached",
        rename = "Cached",
        crate = "__kv::serde",
        bound(
            serialize = "Vec < Box < Cached < T , N > > > : __kv :: serde :: Serialize"
        )
    )]
    struct __Write1<T: Clone, const N: usize>
    where
        T: Shown,
    {
        previous: Vec<Box<Cached<T, N>>>,
        note: String,
        #[serde(skip)]
        __marker: ::core::marker::PhantomData<fn() -> (T,)>,
    }
    #[derive(__kv::serde::Deserialize)]
    #[serde(
        rename = "Cached",
        crate = "__kv::serde",
        bound(
            deserialize = "Vec < Box < Cached < T , N > > > : __kv :: serde :: de :: DeserializeOwned"
        ),
        expecting = "struct Cached"
    )]
    struct __Read1<T: Clone, const N: usize>
    where
        T: Shown,
    {
        previous: Vec<Box<Cached<T, N>>>,
        note: String,
        #[serde(skip)]
        __marker: ::core::marker::PhantomData<fn() -> (T,)>,
    }
    #[automatically_derived]
    impl<T: Clone, const N: usize, __S: __kv::Store> __kv::StoredIn<__S> for Cached<T, N>
    where
        T: Shown,
    {}
    #[automatically_derived]
    impl<T: Clone, const N: usize> __kv::KvEntity for Cached<T, N>
    where
        T: Shown,
        String: __kv::KvId,
        T: __kv::KvId,
        Self: __kv::MaybeSend + __kv::MaybeSync + 'static,
        Option<T>: __kv::serde::Serialize,
        Hashes<N>: __kv::serde::Serialize,
        Option<T>: __kv::serde::de::DeserializeOwned,
        Hashes<N>: __kv::serde::de::DeserializeOwned,
        Vec<Box<Cached<T, N>>>: __kv::serde::Serialize,
        Vec<Box<Cached<T, N>>>: __kv::serde::de::DeserializeOwned,
    {
        type Id = (String, T);
        const SCHEMA: __kv::EntitySchema = {
            let __schema = __kv::EntitySchema::new(
                    "Cached",
                    "cache",
                    &[
                        __kv::IdSchema::new("key", <String as __kv::KvId>::KIND),
                        __kv::IdSchema::new("number", <T as __kv::KvId>::KIND).ordered(),
                    ],
                    &[
                        __kv::GroupSchema::new(
                            ::core::option::Option::Some("value"),
                            1u32,
                            __kv::Codec::Json,
                        ),
                        __kv::GroupSchema::new(
                            ::core::option::Option::Some("about"),
                            1u32,
                            __kv::Codec::Json,
                        ),
                    ],
                )
                .declared(::core::module_path!(), ::core::line!());
            ::core::assert!(
                < T as __kv::KvId > ::KIND.is_integer(),
                "`ordered` sorts numbers, and the id `number` is not a number"
            );
            __schema
        };
        fn id(&self) -> Self::Id {
            (__kv::cloned(&self.key), __kv::cloned(&self.number))
        }
        fn set_id(&mut self, __id: Self::Id) {
            (self.key, self.number) = __id;
        }
        fn write_id(&self, __key: &mut __kv::KeyBuilder) {
            __key.push(&self.key);
            __key.push(&self.number);
        }
        fn serialize_group<__S: __kv::serde::Serializer>(
            &self,
            __group: usize,
            __serializer: __S,
        ) -> ::core::result::Result<__S::Ok, __S::Error> {
            match __group {
                0 => <__Write0<T, N>>::serialize(self, __serializer),
                1 => <__Write1<T, N>>::serialize(self, __serializer),
                _ => __kv::no_such_group(__group, __serializer),
            }
        }
        fn from_groups<__G: __kv::GroupSource>(
            __id: Self::Id,
            __groups: &mut __G,
        ) -> ::core::result::Result<Self, __G::Error> {
            let __group0: __Read0<T, N> = __groups.required(0)?;
            let __group1: __Read1<T, N> = __groups.required(1)?;
            ::core::result::Result::Ok(Self {
                key: __id.0,
                number: __id.1,
                value: __group0.value,
                hashes: __group0.hashes,
                previous: __group1.previous,
                note: __group1.note,
            })
        }
        fn visit_shape<__V: __kv::ShapeVisitor>(__visitor: &mut __V) {
            <__V as __kv::ShapeVisitor>::group::<
                __Read0<T, N>,
            >(
                __visitor,
                0,
                &[("value", "Option<T>", &[]), ("hashes", "Hashes<N>", &[])],
            );
            <__V as __kv::ShapeVisitor>::group::<
                __Read1<T, N>,
            >(
                __visitor,
                1,
                &[("previous", "Vec<Box<Cached<T, N>>>", &[]), ("note", "String", &[])],
            );
        }
    }
    #[automatically_derived]
    impl<T: Clone, const N: usize> __kv::Touch for Cached<T, N>
    where
        T: Shown,
        Self: __kv::KvEntity,
    {}
};
/// The group `value` of [`Cached`]: an entity by itself, under the same key.
#[derive(::kv_runtime::KvEntity)]
#[kv(
    prefix = "cache",
    group = "value",
    version = 1,
    codec = "json",
    __view_of = "Cached"
)]
struct CachedValue<T: Clone, const N: usize = 4>
where
    T: Shown,
{
    #[kv(id)]
    key: String,
    #[kv(id, ordered)]
    number: T,
    value: Option<T>,
    hashes: Hashes<N>,
}
/// The group `about` of [`Cached`]: an entity by itself, under the same key.
#[derive(::kv_runtime::KvEntity)]
#[kv(
    prefix = "cache",
    group = "about",
    version = 1,
    codec = "json",
    __view_of = "Cached"
)]
struct CachedAbout<T: Clone, const N: usize = 4>
where
    T: Shown,
{
    #[kv(id)]
    key: String,
    #[kv(id, ordered)]
    number: T,
    previous: Vec<Box<Cached<T, N>>>,
    note: String,
}
