-- Before any update of a conversation by which it has another message, whoever writes it (`conversations_spoke`): lists are in the
-- order of what was said last, and renaming or putting away is not saying anything.
CREATE FUNCTION conversation_spoke() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.active_at := clock_timestamp();
  RETURN NEW;
END $$;
