-- A page of those that few or none are: the others are not looked at.
create index dead_letter_by_reason on dead_letter (reason, id);
create index dead_letter_by_status on dead_letter (status, id);
