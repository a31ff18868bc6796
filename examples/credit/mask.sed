# What differs between two runs: ports, names of keys and things, times, and what follows from the random order of the
# common rows and from the noise. Everything else is compared with expected.txt:
#
#   ./run.sh | sed -E -f mask.sed | diff expected.txt -
s/  +/ /g
/ rows sha256 /b
s/127\.0\.0\.1:[1-9][0-9]*/127.0.0.1:PORT/g
s/(127\.0\.0\.1:PORT) [a-z ]+$/\1 WORDS/
s/(reads its words to [a-z]+:) .*/\1 WORDS/
s/[0-9a-f]{64}/DIGEST/g
s/[0-9a-f]{32}/JOB/g
s/sha256:[0-9a-f]{12}( |$)/sha256:ID\1/g
s/(^| )[0-9a-f]{12}( |$)/\1JOB\2/g
s/grant-[0-9a-f]{20}/grant-ID/g
s/\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+/+KEY/
s/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]+Z/TIME/g
s/ [0-9][0-9hm.]*(ms|µs|ns|s)( |$)/ SPAN\2/g
s/ [0-9][0-9hm.]*(ms|µs|ns|s)( |$)/ SPAN\2/g
s/(audit prove|^log) [0-9]+/\1 N/
s/ (bank|utility) [0-9]+$/ \1 N/
/^model (train|bank|utility)/s/ [0-9][0-9.]*/ N/g
/^(coefficients|full\.(accuracy|auc|brier|confusion|ks|log_loss)|half_width|intercept|iterations|metrics)/s/ -?[0-9][0-9.e-]*$/ N/
