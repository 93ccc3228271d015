#[doc(hidden)]
#[allow(unused_qualifications, clippy::absolute_paths)]
const _: () = {
    #[derive(::kv_runtime::__private::serde::Serialize)]
    #[serde(
        remote = "Cached",
        rename = "Cached",
        crate = "::kv_runtime::__private::serde",
        bound(
            serialize = "Option < T > : :: kv_runtime :: __private :: serde :: Serialize , Hashes < N > : :: kv_runtime :: __private :: serde :: Serialize"
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
    #[derive(::kv_runtime::__private::serde::Deserialize)]
    #[serde(
        rename = "Cached",
        crate = "::kv_runtime::__private::serde",
        bound(
            deserialize = "Option < T > : :: kv_runtime :: __private :: serde :: de :: DeserializeOwned , Hashes < N > : :: kv_runtime :: __private :: serde :: de :: DeserializeOwned"
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
    #[derive(::kv_runtime::__private::serde::Serialize)]
    #[serde(
        remote = "Cached",
        rename = "Cached",
        crate = "::kv_runtime::__private::serde",
        bound(
            serialize = "Vec < Box < Cached < T , N > > > : :: kv_runtime :: __private :: serde :: Serialize"
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
    #[derive(::kv_runtime::__private::serde::Deserialize)]
    #[serde(
        rename = "Cached",
        crate = "::kv_runtime::__private::serde",
        bound(
            deserialize = "Vec < Box < Cached < T , N > > > : :: kv_runtime :: __private :: serde :: de :: DeserializeOwned"
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
    impl<T: Clone, const N: usize> ::kv_runtime::__private::KvEntity for Cached<T, N>
    where
        T: Shown,
        String: ::kv_runtime::__private::KvId,
        T: ::kv_runtime::__private::KvId,
        Self: ::kv_runtime::__private::MaybeSend + ::kv_runtime::__private::MaybeSync
            + 'static,
        Option<T>: ::kv_runtime::__private::serde::Serialize,
        Hashes<N>: ::kv_runtime::__private::serde::Serialize,
        Option<T>: ::kv_runtime::__private::serde::de::DeserializeOwned,
        Hashes<N>: ::kv_runtime::__private::serde::de::DeserializeOwned,
        Vec<Box<Cached<T, N>>>: ::kv_runtime::__private::serde::Serialize,
        Vec<Box<Cached<T, N>>>: ::kv_runtime::__private::serde::de::DeserializeOwned,
    {
        type Id = (String, T);
        const SCHEMA: ::kv_runtime::__private::EntitySchema = {
            let __schema = ::kv_runtime::__private::EntitySchema::new(
                    "Cached",
                    "cache",
                    &[
                        ::kv_runtime::__private::IdSchema::new(
                            "key",
                            <String as ::kv_runtime::__private::KvId>::KIND,
                        ),
                        ::kv_runtime::__private::IdSchema::new(
                                "number",
                                <T as ::kv_runtime::__private::KvId>::KIND,
                            )
                            .ordered(),
                    ],
                    &[
                        ::kv_runtime::__private::GroupSchema::new(
                            ::core::option::Option::Some("value"),
                            1u32,
                            ::kv_runtime::__private::Codec::Json,
                        ),
                        ::kv_runtime::__private::GroupSchema::new(
                            ::core::option::Option::Some("about"),
                            1u32,
                            ::kv_runtime::__private::Codec::Json,
                        ),
                    ],
                )
                .declared(::core::module_path!(), ::core::line!());
            ::core::assert!(
                < T as ::kv_runtime::__private::KvId > ::KIND.is_integer(),
                "`ordered` sorts numbers, and the id `number` is not a number"
            );
            __schema
        };
        fn id(&self) -> Self::Id {
            (
                ::kv_runtime::__private::cloned(&self.key),
                ::kv_runtime::__private::cloned(&self.number),
            )
        }
        fn set_id(&mut self, __id: Self::Id) {
            (self.key, self.number) = __id;
        }
        fn write_id(&self, __key: &mut ::kv_runtime::__private::KeyBuilder) {
            __key.push(&self.key);
            __key.push(&self.number);
        }
        fn serialize_group<__S: ::kv_runtime::__private::serde::Serializer>(
            &self,
            __group: usize,
            __serializer: __S,
        ) -> ::core::result::Result<__S::Ok, __S::Error> {
            match __group {
                0 => <__Write0<T, N>>::serialize(self, __serializer),
                1 => <__Write1<T, N>>::serialize(self, __serializer),
                _ => ::kv_runtime::__private::no_such_group(__group, __serializer),
            }
        }
        fn from_groups<__G: ::kv_runtime::__private::GroupSource>(
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
        fn visit_shape<__V: ::kv_runtime::__private::ShapeVisitor>(__visitor: &mut __V) {
            <__V as ::kv_runtime::__private::ShapeVisitor>::group::<
                __Read0<T, N>,
            >(
                __visitor,
                0,
                &[("value", "Option<T>", &[]), ("hashes", "Hashes<N>", &[])],
            );
            <__V as ::kv_runtime::__private::ShapeVisitor>::group::<
                __Read1<T, N>,
            >(
                __visitor,
                1,
                &[("previous", "Vec<Box<Cached<T, N>>>", &[]), ("note", "String", &[])],
            );
        }
    }
    #[automatically_derived]
    impl<T: Clone, const N: usize> ::kv_runtime::__private::Touch for Cached<T, N>
    where
        T: Shown,
        Self: ::kv_runtime::__private::KvEntity,
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
