-- Deletes audit entries from before a moment, and answers how many. The only way in which entries go; those of the last 30 days stay,
-- whoever asks: else whoever did something could have it forgotten.
CREATE FUNCTION audit_forget(p_before timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  forgotten bigint;
BEGIN
  IF p_before > now() - interval '30 days' THEN
    RAISE EXCEPTION 'audit entries are kept for at least 30 days' USING ERRCODE = 'restrict_violation';
  END IF;
  PERFORM set_config('chatsparty.audit_forgets', 'on', true);
  DELETE FROM audit_entries WHERE created_at < p_before;
  GET DIAGNOSTICS forgotten = ROW_COUNT;
  PERFORM set_config('chatsparty.audit_forgets', 'off', true);
  RETURN forgotten;
END $$;
