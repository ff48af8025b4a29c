"""Child processes that open what may do harm, people's files and costly grammars, under limits of time and memory."""
