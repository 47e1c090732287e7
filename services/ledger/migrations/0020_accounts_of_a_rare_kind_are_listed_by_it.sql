-- Nearly all accounts are payers': what providers owe, and what is claimed from them, is found without reading those. The index costs nothing
-- where a payer's account is opened.
create index account_of_rare_kind on account (kind, owner, clock, currency)
  where kind in ('suspense', 'settlement', 'receivable', 'fees', 'costs');
