"""Prints scikit-learn's RidgeCV (exact leave-one-out) of a small problem; test/pipeline/head/ridge.test.ts holds the
output. Run: python test/peers/ridge.py (needs numpy and scikit-learn)."""

import json

import numpy as np
import sklearn
from sklearn.linear_model import RidgeCV

rows, columns = 12, 30
x = np.array([[((i * 7 + j * 13 + i * j) % 11) / 11 for j in range(columns)] for i in range(rows)])
w = np.array([(j * 5) % 3 - 1.0 for j in range(columns)])
y = x @ w + np.array([(i * i) % 5 for i in range(rows)]) / 3
new = np.array([[((5 + j * 3) % 7) / 7 for j in range(columns)]])
alphas = [0.01, 0.1, 1.0, 10.0, 100.0]
model = RidgeCV(alphas=alphas, store_cv_results=True).fit(x, y)
print(
    json.dumps(
        {
            "version": sklearn.__version__,
            "alpha": model.alpha_,
            "squaredErrors": model.cv_results_.tolist(),
            "intercept": model.intercept_,
            "prediction": model.predict(new).tolist(),
        }
    )
)
