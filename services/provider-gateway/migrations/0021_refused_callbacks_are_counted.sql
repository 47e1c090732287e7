-- Callbacks by the minute in which they came: whether none of a provider's is accepted any more is seen by this.
create table callback_count (
  provider text not null,
  minute timestamptz not null,
  -- None of our secrets makes their signature; and of these, those about slips that the provider has.
  refused bigint not null default 0,
  about_its_slips bigint not null default 0,
  accepted bigint not null default 0,
  -- Of the first and the last that was refused; null: none was.
  since timestamptz,
  until timestamptz,
  -- CallbacksRefused has told it.
  told boolean not null default false,
  primary key (provider, minute)
);
create index callback_count_untold on callback_count (minute) where refused > 0 and not told;
create index callback_count_refused on callback_count (provider, minute) where about_its_slips > 0;
