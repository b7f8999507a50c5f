"""Evaluating one expression on one record, by any back end: what `trellis rules eval` does."""

from trellis.evaluation.question import EvaluationError, Question, Setting
from trellis.evaluation.run import ENGINES, Engine, evaluate

__all__ = ["ENGINES", "Engine", "EvaluationError", "Question", "Setting", "evaluate"]
