\set jwt_exp `echo "$JWT_EXP"`
